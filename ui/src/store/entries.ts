/** Entries of lore as forms show them: of their many fields those that a writer sets, with what stands for the rest. */

import type { Book } from "./book.svelte";
import { nameOf } from "./sentencesOf";

export type Entry = Readonly<Record<string, unknown>>;

/** Where an entry is read, by the numbers that lorebooks have for it. */
export const POSITIONS = [0, 1, 2, 3, 4, 5, 6] as const;
export const AT_DEPTH = 4;

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
export const numberOf = (value: unknown, other: number): number => (typeof value === "number" ? value : other);
export const keysText = (value: unknown): string => (Array.isArray(value) ? value.filter((key) => typeof key === "string").join(", ") : "");

/** Keys between commas; a pattern between slashes keeps its own. */
export const keysOf = (text: string): string[] =>
  (text.match(/\s*\/(?:\\.|[^/\\])+\/[a-z]*\s*(?=,|$)|[^,]+/g) ?? []).map((key) => key.trim()).filter((key) => key !== "");

/** What of a field that is being typed into is keys, up to its last comma, and what is not yet. Commas within a pattern are its own. */
export function splitKeys(text: string): { done: string[]; rest: string } {
  const done: string[] = [];
  let rest = text;
  for (;;) {
    const isPattern = /^\s*\//.test(rest);
    const found = (isPattern ? /^\s*(\/(?:\\.|[^/\\])+\/[a-z]*)\s*,/ : /^([^,]*),/).exec(rest);
    if (!found) return { done, rest };
    done.push(...keysOf(found[1] ?? ""));
    rest = rest.slice(found[0].length).trimStart();
  }
}

/** Each once, in their order. */
export const distinct = (texts: Iterable<string>): string[] => [...new Set(texts)];

/** Keys with others at the place of one, or behind the last if that is not there (any more); those that are there already once. */
export function withKeys(keys: readonly string[], added: readonly string[], was: string | null = null): string[] {
  const rest = keys.filter((key) => key !== was);
  const found = was === null ? -1 : keys.indexOf(was);
  const at = found < 0 ? rest.length : found;
  return [...rest.slice(0, at), ...distinct(added).filter((key) => !rest.includes(key)), ...rest.slice(at)];
}

export const keysIn = (value: unknown): string[] => (Array.isArray(value) ? distinct(value.filter((key) => typeof key === "string")) : []);

/** A whole number within limits, from a field that may be empty. */
export const within = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, Math.round(value || 0)));

/** The groups of an entry, of which only one fires at a time. */
export const groupsOf = ({ group }: Entry): string[] => textOf(group).split(",").map((name) => name.trim()).filter((name) => name !== "");

/** The names of characters that an entry is for, or not for. */
function namesOf({ characterFilter }: Entry): string[] {
  const names = (characterFilter as { names?: unknown } | null | undefined)?.names;
  return Array.isArray(names) ? names.map(textOf) : [];
}

/** The ids of entries that hold what is looked for in their names, keys, groups, characters or texts. */
export function entriesWith(query: string, { places }: Pick<Book, "places">): string[] {
  const ids = Object.keys(places.lore);
  if (query.trim() === "") return ids;
  // Texts stay as they are: lower-case copies of a large book would be made, and collected, for every letter.
  const wanted = new RegExp(query.trim().replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "iu");
  const holds = (id: string, entry: Entry): boolean =>
    wanted.test(nameOf(id, places)) || wanted.test(keysText(entry.key)) || wanted.test(textOf(entry.content)) ||
    wanted.test(textOf(entry.group)) || wanted.test(keysText(entry.keysecondary)) || namesOf(entry).some((name) => wanted.test(name));
  return ids.filter((id) => holds(id, places.lore[id] ?? {}));
}
