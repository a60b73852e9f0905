import { expect, test } from "vitest";

import type { Stage } from "../api/types";
import { barsOf, SHOWN, visible } from "./effect.svelte";

const stage = (...shares: [token: number, probability: number][]): Stage => ({
  name: "",
  values: {},
  num_candidates: shares.length,
  candidates: shares.map(([token, probability]) => ({ token, text: String(token), probability })),
});

test("each candidate has its share before and after, also one that came up from below", () => {
  const bars = barsOf(stage([1, 0.6], [2, 0.3]), stage([1, 0.5], [3, 0.4]));
  expect(bars.map(({ token, before, after }) => [token, before, after])).toEqual([
    [1, 0.6, 0.5],
    [3, 0, 0.4],
    [2, 0.3, 0],
  ]);
});

test("no more than a dozen are shown", () => {
  const many = stage(...Array.from({ length: 40 }, (_, index): [number, number] => [index, 1 / (index + 2)]));
  expect(barsOf(many, many)).toHaveLength(SHOWN);
});

test("spaces and line ends can be seen", () => {
  expect([" the", "a\n", " ", ""].map(visible)).toEqual(["·the", "a⏎", "·", "∅"]);
});
