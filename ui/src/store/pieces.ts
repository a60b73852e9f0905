/** Takes of one place: each that was written there is kept beside the text, and can stand in it again. */

import type { Json } from "../api/http";
import type { Places, Runs } from "../api/stories";

export interface KeptTake {
  id: string;
  /** The piece that its words come from. */
  piece: string;
  text: string;
}

export interface Written {
  piece: string;
  text: string;
}

const written = (value: Json): value is Json & { slot: string; text: string } => typeof value.slot === "string" && typeof value.text === "string";

/** The place that a piece stands in: it has the name of the first that was written there. */
export function slotOf(takes: Places["takes"], piece: string): string {
  const mine = Object.values(takes).find((value) => written(value) && value.piece === piece);
  return mine && written(mine) ? mine.slot : piece;
}

/** All takes of the place of a piece, in the order in which they were written. */
export function takesOf(takes: Places["takes"], piece: string): KeptTake[] {
  const slot = slotOf(takes, piece);
  return Object.entries(takes).flatMap(([id, value]) =>
    written(value) && value.slot === slot ? [{ id, piece: typeof value.piece === "string" ? value.piece : id, text: value.text }] : [],
  );
}

/**
 * The takes of the next piece that were written last for a branch, while none of them stands in its text: the page or the
 * server was gone, or the writer left them.
 */
export function unusedTakes(takes: Places["takes"], branch: string, pieces: ReadonlySet<string>): KeptTake[] {
  const last = Object.values(takes).findLast((value) => written(value) && value.branch === branch);
  if (!last || !written(last)) return [];
  const found = takesOf(takes, text(last.piece));
  return found.some(({ piece }) => pieces.has(piece)) ? [] : found;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** What to keep of a place when a piece there gave way to another: values by the ids of takes. */
export function kept(takes: Places["takes"], old: Written, now: Written, newId: () => string): [string, Json][] {
  const slot = slotOf(takes, old.piece);
  const known = takesOf(takes, old.piece).find(({ piece }) => piece === old.piece);
  return [
    [known?.id ?? newId(), { slot, ...old }],
    [newId(), { slot, ...now }],
  ];
}

/** From the first to behind the last word of a piece, with what the writer put between them; null where none is left. */
export function extentOf(runs: Runs, piece: string): { from: number; to: number } | null {
  let [at, from, to] = [0, -1, -1];
  for (const [length, source] of runs) {
    if (source === piece) [from, to] = [from < 0 ? at : from, at + length];
    at += length;
  }
  return from < 0 ? null : { from, to };
}

/** The piece that a place stands in or behind, or the last one where none is before it; empty where no model wrote. */
export function pieceAt(runs: Runs, place: number): string {
  let [at, found, last] = [0, "", ""];
  for (const [length, source] of runs) {
    if (source !== "") last = source;
    if (source !== "" && at < place) found = source;
    at += length;
  }
  return found || last;
}
