/** What another text has that this one has not, paragraph by paragraph, so that one of them can be taken over. Pure. */

import type { Runs } from "../api/stories";

/** Paragraphs of the other text that stand in the place of a stretch of this one; either may be empty. */
export interface Hunk {
  /** The stretch of this text. */
  from: number;
  to: number;
  ours: string;
  /** Where theirs stand in the other text. */
  otherFrom: number;
  theirs: string;
}

/** More paragraphs than this on a side are one hunk. */
const MOST = 1000;

/** Where the texts differ, in order. */
export function hunksOf(other: string, here: string): Hunk[] {
  const [a, b] = [paragraphs(other), paragraphs(here)];
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const head = b.slice(0, start).join("").length;
  return between(a.slice(start, a.length - end), b.slice(start, b.length - end), head);
}

/** Paragraphs with their line ends; together they are the text. */
function paragraphs(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function between(a: readonly string[], b: readonly string[], head: number): Hunk[] {
  const kept = a.length <= MOST && b.length <= MOST ? common(a, b) : [];
  const hunks: Hunk[] = [];
  let [i, j, otherAt, at] = [0, 0, head, head];
  for (const [nextI, nextJ] of [...kept, [a.length, b.length] as const]) {
    const [theirs, ours] = [a.slice(i, nextI).join(""), b.slice(j, nextJ).join("")];
    if (theirs !== "" || ours !== "") hunks.push({ from: at, to: at + ours.length, ours, otherFrom: otherAt, theirs });
    const same = a[nextI]?.length ?? 0;
    [i, j, otherAt, at] = [nextI + 1, nextJ + 1, otherAt + theirs.length + same, at + ours.length + same];
  }
  return hunks;
}

/** Pairs of equal paragraphs of a longest common subsequence, by its table of lengths. */
function common(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: (readonly [number, number])[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

/** The sources of a part of a text. */
export function runsIn(runs: Runs, from: number, to: number): Runs {
  const found: (readonly [number, string])[] = [];
  let at = 0;
  for (const [length, piece] of runs) {
    const size = Math.min(at + length, to) - Math.max(at, from);
    if (size > 0) found.push([size, piece]);
    at += length;
  }
  return found;
}
