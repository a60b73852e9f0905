/** Everything that can be done by typing its name. */

import type { Page } from "./page";
import { MODES } from "../modes/turns";
import { DIGITS, RAIL } from "./place.svelte";
import { choices, chosen } from "./choices";
import { save, saveCopy } from "./copy";
import { EXPORTS } from "./exports";
import { splitLong } from "./paragraphs";
import { ELSEWHERE } from "../words/lite";
import { say } from "../words/words.svelte";

/** So many are listed. */
export const MOST = 60;

export interface Command {
  id: string;
  label: string;
  /** The digit that opens it from the empty palette. */
  digit?: string;
  run(): void;
}

export function commandsOf(page: Page): Command[] {
  const { session, place, view, modes } = page;
  const t = say();
  const panels = RAIL.map((name) => ({
    id: name,
    label: t[name],
    digit: DIGITS[name],
    run: () => (name === "branches" ? place.go({ sheet: "branches" }) : place.panel === name || place.toggle(name)),
  }));
  return [
    { id: "generate", label: t.generate, run: () => void modes.generate() },
    { id: "stop", label: t.stop, run: () => session.stop() },
    { id: "retry", label: t.retry, run: () => void session.retry() },
    ...[2, 3, 4].map((n) => ({ id: `takes-${String(n)}`, label: t.writeTakes(n), run: () => void modes.writeTakes(n) })),
    { id: "receipt", label: t.receipt, run: () => page.showReceipt() },
    { id: "suggest", label: t.suggest, run: () => void page.suggest() },
    { id: "undo", label: t.undo, run: () => void session.undo() },
    { id: "redo", label: t.redo, run: () => void session.redo() },
    ...panels,
    { id: "lore-sheet", label: `${t.lore}: ${t.loreSheet}`, run: () => place.openLore() },
    { id: "doctor", label: t.doctor, digit: "0", run: () => place.go({ sheet: "doctor" }) },
    { id: "library", label: t.library, digit: "8", run: () => place.go({ sheet: "library" }) },
    { id: "import", label: t.importTitle, run: () => place.go({ sheet: "import" }) },
    ...EXPORTS.map((format) => ({
      id: `export-${format}`,
      label: `${t.exportFile}: ${t.exports[format]}`,
      run: () => void exportAs(page, format),
    })),
    { id: "new", label: t.newStory, run: () => void session.begin() },
    { id: "branch", label: t.branchHere, run: () => void session.branchHere() },
    { id: "split", label: t.splitSentences, run: () => void splitLong(session) },
    { id: "find", label: t.findWords, run: () => page.findWords() },
    { id: "copy", label: t.saveCopy, run: () => saveCopy(session.text) },
    ...choices()
      .filter(({ key }) => key !== "probabilities")
      .flatMap(({ key, label, options }) =>
        options.map(([value, words]) => ({ id: `${key}-${value}`, label: `${label}: ${words}`, run: () => view.set(chosen(key, value)) })),
      ),
    { id: "text-size", label: t.textSize, run: () => place.showView("text-size") },
    { id: "measure", label: t.measure, run: () => place.showView("measure") },
    { id: "tour", label: t.tourShow, run: () => page.tour.begin() },
    { id: "probabilities", label: t.probabilities, run: () => view.set({ probabilities: view.looks.probabilities === "on" ? "off" : "on" }) },
    ...MODES.map((mode) => ({ id: `mode-${mode}`, label: `${t.mode}: ${t.modes[mode]}`, run: () => modes.choose(mode) })),
    ...(modes.mode === "story" ? [] : [{ id: "as-text", label: t.asText, run: () => (modes.isAsText = !modes.isAsText) }]),
    { id: "text", label: t.goToText, run: () => session.focus() },
  ];
}

/** The file has what was typed a moment ago, too. */
async function exportAs({ library, session: { book } }: Page, format: (typeof EXPORTS)[number]): Promise<void> {
  await book.journal?.flush();
  save(library.exportAddress(book.id ?? "", format, book.branch));
}

/** What a command is called in other programs, in English and in the page's language. */
const aliasOf = ({ id }: Command): string => `${ELSEWHERE[id] ?? ""} ${say().elsewhere[id] ?? ""}`;

/** As people type: straight apostrophes, and "top p". */
export const plain = (words: string): string => words.toLowerCase().replaceAll("’", "'").replaceAll("-", " ");

export const wordsOf = (query: string): string[] => plain(query).split(/\s+/).filter((word) => word !== "");

/**
 * The commands that a query means, best first: those whose names start with it, those that hold it, those that hold all
 * its words, and those that are called so elsewhere.
 */
export function matching(commands: readonly Command[], query: string): Command[] {
  const wanted = plain(query.trim());
  if (wanted === "") return [...commands];
  const ranked = commands.map((command) => ({ command, rank: rankOf(command, wanted) })).filter(({ rank }) => rank < NONE);
  return ranked.sort((a, b) => a.rank - b.rank).map(({ command }) => command);
}

const NONE = 4;

function rankOf(command: Command, wanted: string): number {
  const name = plain(command.label);
  if (name.startsWith(wanted)) return 0;
  if (name.includes(wanted)) return 1;
  const words = wordsOf(wanted);
  if (words.every((word) => name.includes(word))) return 2;
  const called = ` ${name} ${plain(aliasOf(command))}`;
  return words.every((word) => called.includes(` ${word}`)) ? 3 : NONE;
}
