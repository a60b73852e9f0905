/** Comparing branches: from their fork on, since before it they are one text. */

import { compare, type Part } from "../journal/words";

/** Characters of the common beginning that are shown before the first difference. */
const BEFORE = 200;

export function compareTexts(old: string, now: string): Part[] {
  let fork = 0;
  const shorter = Math.min(old.length, now.length);
  while (fork < shorter && old.charCodeAt(fork) === now.charCodeAt(fork)) fork++;
  const start = old.lastIndexOf("\n", Math.max(0, fork - BEFORE)) + 1;
  return compare(old.slice(start), now.slice(start));
}
