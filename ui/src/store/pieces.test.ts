import { expect, test } from "vitest";

import type { Json } from "../api/http";
import { extentOf, kept, pieceAt, slotOf, takesOf, unusedTakes } from "./pieces";

function ids(): () => string {
  let n = 0;
  return () => `t${String(++n)}`;
}

const put = (takes: Record<string, Json>, pairs: [string, Json][]): Record<string, Json> => ({ ...takes, ...Object.fromEntries(pairs) });

test("takes of one place stay together, however often it is written anew", () => {
  const newId = ids();
  let takes: Record<string, Json> = {};
  expect([slotOf(takes, "p1"), takesOf(takes, "p1")]).toEqual(["p1", []]);
  takes = put(takes, kept(takes, { piece: "p1", text: "One." }, { piece: "p2", text: "Two." }, newId));
  takes = put(takes, kept(takes, { piece: "p2", text: "Two, edited." }, { piece: "p3", text: "Three." }, newId));
  expect(takesOf(takes, "p3").map(({ piece, text }) => [piece, text])).toEqual([["p1", "One."], ["p2", "Two, edited."], ["p3", "Three."]]);
  expect(takesOf(takes, "p1")).toEqual(takesOf(takes, "p3"));
});

test("takes of other programs and places are others", () => {
  const takes = { a: { slot: "greeting", text: "Hello." }, b: { piece: "p1", text: "old form" }, c: { slot: "p1", piece: "p1", text: "One." } };
  expect(takesOf(takes, "p1").map(({ id }) => id)).toEqual(["c"]);
});

test("takes that were written for a branch are unused until one of them stands in its text", () => {
  const take = (slot: string, piece: string, branch: string): Json => ({ slot, piece, branch, text: `${piece}.` });
  const takes = { a: take("old", "p1", "main"), b: take("new", "p2", "main"), c: take("new", "p3", "main"), d: take("far", "p4", "other"), e: { slot: "ghost", text: "x" } };
  const pieces = (branch: string, ...here: string[]): string[] => unusedTakes(takes, branch, new Set(here)).map(({ piece }) => piece);
  expect(pieces("main", "p1")).toEqual(["p2", "p3"]);
  expect(pieces("main", "p3")).toEqual([]);
  expect(pieces("other")).toEqual(["p4"]);
  expect(pieces("none")).toEqual([]);
});

test("a piece is found from a place in it or behind it, with what was put between its words", () => {
  const runs = [[4, ""], [3, "p1"], [2, ""], [1, "p1"], [5, ""], [6, "p2"]] as const;
  expect(extentOf(runs, "p1")).toEqual({ from: 4, to: 10 });
  expect(extentOf(runs, "p3")).toBe(null);
  expect([2, 6, 8, 13, 17, 99].map((place) => pieceAt(runs, place))).toEqual(["p2", "p1", "p1", "p1", "p2", "p2"]);
  expect(pieceAt([[4, ""]], 2)).toBe("");
});
