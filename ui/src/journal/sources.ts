/** Where the words of an edit come from. Pure. */

import type { Recorded } from "../api/stories";

/** The sources of the new stretches of an edit, in the text after it. */
export function sourcesOf(record: Recorded): { from: number; to: number; piece: string }[] {
  if (record.kind !== "edit") return [];
  const found: { from: number; to: number; piece: string }[] = [];
  let shift = 0;
  for (const { from, to, insert, piece, runs } of record.changes) {
    let at = from + shift;
    for (const [length, source] of runs ?? [[insert.length, piece ?? ""] as const]) {
      found.push({ from: at, to: at + length, piece: source });
      at += length;
    }
    shift += insert.length - (to - from);
  }
  return found;
}
