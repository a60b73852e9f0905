import { expect, test } from "vitest";

import { hunksOf, runsIn } from "./cherry";

function taken(other: string, here: string, which: number): string {
  const hunk = hunksOf(other, here)[which];
  return hunk ? here.slice(0, hunk.from) + hunk.theirs + here.slice(hunk.to) : here;
}

test("a paragraph that differs is one place, and the others are not touched", () => {
  const [other, here] = ["A.\nOne.\nB.\nTwo.\nC.", "A.\nI.\nB.\nII.\nC."];
  expect(hunksOf(other, here).map(({ ours, theirs }) => [ours, theirs])).toEqual([["I.\n", "One.\n"], ["II.\n", "Two.\n"]]);
  expect(taken(other, here, 1)).toBe("A.\nI.\nB.\nTwo.\nC.");
  expect(hunksOf(here, here)).toEqual([]);
  expect(taken("A.\nB.\n", "A.\n", 0)).toBe("A.\nB.\n");
  expect(taken("A.\n", "A.\nB.\n", 0)).toBe("A.\n");
});

test("whatever the texts are, all places taken from the last on give the other text", () => {
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 300; round++) {
    const make = (): string => Array.from({ length: next(7) }, () => "abc"[next(3)] + (next(5) === 0 ? "" : "\n")).join("");
    const [other, here] = [make(), make()];
    const hunks = hunksOf(other, here);
    let now = here;
    for (const { from, to, theirs, otherFrom } of [...hunks].reverse()) {
      expect(other.slice(otherFrom, otherFrom + theirs.length)).toBe(theirs);
      now = now.slice(0, from) + theirs + now.slice(to);
    }
    expect(now).toBe(other);
  }
});

test("sources of a part", () => {
  const runs = [[3, ""], [4, "p"], [2, "q"]] as const;
  expect(runsIn(runs, 2, 8)).toEqual([[1, ""], [4, "p"], [1, "q"]]);
  expect(runsIn(runs, 4, 4)).toEqual([]);
});
