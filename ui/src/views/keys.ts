/** The page's keys. Those of an input method that composes are never ours. */

import type { Page } from "../store/page";

export const IS_MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);
/** The name of the key that commands are given with. */
export const COMMAND = IS_MAC ? "⌘" : "Ctrl";
/** There is no keyboard but the one on the screen, as on phones. */
export const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;

/** Whether a key confirms or edits what an input method has not handed over yet: Enter then never sends. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

export function onPageKey(event: KeyboardEvent, page: Page): void {
  const { session, place, modes } = page;
  // What lies over the desk has keys of its own; nothing is written behind it.
  if (event.key === "Enter" && (place.isPaletteOpen || document.querySelector("main")?.inert)) return;
  if (event.key === "Enter" && event.ctrlKey && event.altKey) {
    event.preventDefault();
    void modes.writeTakes(3);
    return;
  }
  if (event.key === "Enter" && event.altKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    void page.suggest();
    return;
  }
  const isCommand = IS_MAC ? event.metaKey : event.ctrlKey;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey) {
    event.preventDefault();
    void (event.shiftKey ? session.retry() : modes.generate());
  } else if (isCommand && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    place.isPaletteOpen = !place.isPaletteOpen;
  } else if (isCommand && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "s") {
    event.preventDefault(); // hands press it; everything is kept as it is typed
    void page.save();
  } else if (isCommand && !event.altKey && event.key === "/") {
    event.preventDefault();
    place.isViewOpen = !place.isViewOpen;
  } else if (isCommand && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "f" && (focusSearch() || openFind(page))) {
    event.preventDefault();
  } else if (event.key === "F3" && isFinding(page)) {
    event.preventDefault();
    page.find.step(event.shiftKey ? -1 : 1);
  } else if (event.key === "F6") {
    event.preventDefault();
    nextRegion(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape" && !event.defaultPrevented) {
    escape(page);
  }
}

/** One layer a press. */
function escape(page: Page): void {
  const { session, place } = page;
  if (place.isPaletteOpen) place.isPaletteOpen = false;
  else if (session.generation.isRunning || session.takes.isWriting) session.stop();
  else if (place.isMenuOpen) place.isMenuOpen = false;
  else if (place.panel) place.closePanel();
  else if (isFinding(page)) page.find.close();
  else if (place.sheet) place.go({ sheet: null });
  else session.focus();
}

/** The search field of a sheet, in place of the browser's own search; false where there is none. */
function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>(".sheet input[type='search']");
  field?.focus();
  return field !== null;
}

const isFinding = ({ find, modes, place }: Page): boolean => find.isOpen && modes.hasTurns && place.sheet === null;

/** The search in turns, which draw only some of them; false where nothing is to be found, or the editor has its own. */
function openFind(page: Page): boolean {
  const isShown = page.modes.hasTurns && !page.place.isPaletteOpen && !document.querySelector("main")?.inert;
  if (isShown) page.findWords();
  return isShown;
}

/** Regions that F6 goes through, in the order of the page; the editor stands for the text. */
const REGIONS = ["header", "main", ".bar", "aside", "nav"];
const FOCUSABLE = "button:not(:disabled), input, textarea, select, a[href], [tabindex='0']";

function nextRegion(step: 1 | -1): void {
  const regions = REGIONS.map((region) => document.querySelector<HTMLElement>(region)).filter((region) => region !== null);
  const now = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions[(now + step + regions.length) % regions.length];
  const editor = next?.querySelector<HTMLElement>(".editor")?.shadowRoot?.querySelector<HTMLElement>("[contenteditable]");
  (editor ?? next?.querySelector<HTMLElement>(FOCUSABLE))?.focus();
}
