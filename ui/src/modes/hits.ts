/** Where words stand in what is said in the turns of a text. Pure. */

import type { Turn } from "./turns";

/** A place of the text, in the words of a turn. */
export interface Hit {
  turn: number;
  from: number;
  to: number;
}

const LETTER = "[\\p{L}\\p{N}_]";

/** What finds words as they are typed, or with any case of their letters; null for no words. */
export function patternOf(words: string, isExact: boolean, isWhole: boolean): RegExp | null {
  if (words === "") return null;
  const literal = words.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(isWhole ? `(?<!${LETTER})${literal}(?!${LETTER})` : literal, isExact ? "gu" : "giu");
}

/** All places, in order. Names and marks of turns are none of their words. */
export function hitsOf(text: string, turns: readonly Turn[], pattern: RegExp): Hit[] {
  const hits: Hit[] = [];
  let turn = 0;
  for (const { index: from, 0: { length } } of text.matchAll(pattern)) {
    while ((turns[turn]?.bodyTo ?? Infinity) <= from) turn++;
    const { bodyFrom, bodyTo } = turns[turn] ?? { bodyFrom: Infinity, bodyTo: 0 };
    if (from >= bodyFrom && from + length <= bodyTo) hits.push({ turn, from, to: from + length });
  }
  return hits;
}
