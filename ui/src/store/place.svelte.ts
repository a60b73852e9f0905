/** Where one is: the surface from the address behind the `#`, and the panel that is open beside the text. */

import { tick } from "svelte";

import { focusedElement } from "./focus";

export type Sheet = "library" | "branches" | "lore" | "doctor" | "import";
export type Panel = "story" | "lore" | "characters" | "context" | "sampler" | "model" | "receipt";

export type Name = Exclude<Panel, "receipt"> | "branches";

/** The rail's names, and the digits that open them from the palette. */
export const RAIL: readonly Name[] = ["story", "lore", "characters", "context", "branches", "sampler", "model"];
export const DIGITS: Readonly<Record<Name, string>> = {
  story: "1",
  lore: "2",
  characters: "3",
  context: "4",
  branches: "5",
  sampler: "6",
  model: "7",
};

const SHEETS: readonly string[] = ["library", "branches", "lore", "doctor", "import"];
/** Those that belong to a story, and stand in the address behind it. */
const OF_STORY: readonly string[] = ["branches", "lore"];

export interface Route {
  sheet: Sheet | null;
  /** The story and the branch of it, where the address names them. */
  story: string | null;
  branch: string | null;
}

/** `#/s/STORY/BRANCH`, `#/s/STORY/BRANCH/branches`, `#/s/STORY/BRANCH/lore`, `#/library`, `#/import`, `#/doctor`. */
export function readRoute(hash: string): Route {
  const [first = "", story = "", branch = "", sheet = ""] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (first === "s") return { sheet: OF_STORY.includes(sheet) ? (sheet as Sheet) : null, story: story || null, branch: branch || null };
  return { sheet: SHEETS.includes(first) ? (first as Sheet) : null, story: null, branch: null };
}

export function routeText({ sheet, story, branch }: Route): string {
  if (sheet && !OF_STORY.includes(sheet)) return `#/${sheet}`;
  const parts = story ? ["s", story, ...(branch ? [branch] : []), ...(sheet && branch ? [sheet] : [])] : sheet ? [sheet] : [];
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // a broken escape names nothing
  }
}

export class Place {
  route = $state.raw<Route>({ sheet: null, story: null, branch: null });
  panel = $state<Panel | null>(null);
  isPaletteOpen = $state(false);
  /** The entry that is open in the panel of lore; empty for none. */
  entry = $state("");
  /** What is looked for in the lore. */
  loreQuery = $state("");
  /** The piece whose receipt is shown. */
  piece = $state("");
  isMenuOpen = $state(false);
  /** The looks and the list of keys. */
  isViewOpen = $state(false);

  /** The control that a panel was opened from, to which the focus goes back. */
  #opener: HTMLElement | null = null;

  constructor() {
    this.follow();
  }

  get sheet(): Sheet | null {
    return this.route.sheet;
  }

  /** The address has changed. */
  follow(): void {
    this.route = readRoute(location.hash);
  }

  /** Goes to another address, so that the browser's Back comes back here. */
  go(change: Partial<Route>): void {
    const route = { ...this.route, ...change };
    if (routeText(route) !== location.hash) history.pushState(null, "", routeText(route));
    this.route = route;
  }

  /** Names the story and branch in the address; from another branch of it that is a step, so that Back comes back there. */
  settle(story: string, branch: string): void {
    const { story: oldStory, branch: oldBranch } = this.route;
    const isStep = oldStory === story && oldBranch !== null && oldBranch !== branch;
    if (oldStory !== story) this.loreQuery = "";
    this.route = { ...this.route, story, branch };
    if (this.route.sheet) return;
    if (isStep) history.pushState(null, "", routeText(this.route));
    else history.replaceState(null, "", routeText(this.route));
  }

  toggle(panel: Panel): void {
    if (this.panel === panel) return this.closePanel();
    if (!this.panel) this.#opener = focusedElement();
    this.isMenuOpen = false;
    this.panel = panel;
  }

  /** Opens the receipt of a piece. */
  showReceipt(piece: string): void {
    this.piece = piece;
    if (this.panel !== "receipt") this.toggle("receipt");
  }

  /** Opens a panel at one of its fields. */
  show(panel: Panel, field: string): void {
    if (this.panel !== panel) this.toggle(panel);
    void tick().then(() => document.getElementById(field)?.focus());
  }

  /** Opens an entry of lore at one of its fields, where entries are seen: in the sheet, else in the panel. */
  showEntry(id: string, field: string): void {
    this.entry = id;
    if (this.sheet !== "lore") return this.show("lore", field);
    void tick().then(() => document.getElementById(field)?.focus());
  }

  /** Opens the entries that hold some words, where entries are seen. */
  showEntries(words: string): void {
    this.loreQuery = words;
    if (this.sheet !== "lore") return this.show("lore", "lore-search");
    void tick().then(() => document.getElementById("lore-sheet-search")?.focus());
  }

  /** The whole lore, in the desk's place. */
  openLore(): void {
    this.panel = null;
    this.#opener = null;
    this.go({ sheet: "lore" });
  }

  /** Opens the looks at one of their fields. */
  showView(field: string): void {
    this.isViewOpen = true;
    void tick().then(() => document.getElementById(field)?.focus());
  }

  closePanel(): void {
    const opener = this.#opener;
    this.panel = null;
    this.#opener = null;
    // On a narrow screen what the panel covered can take the focus only once it is gone.
    void tick().then(() => opener?.focus());
  }
}
