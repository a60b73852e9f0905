import { expect, test } from "vitest";

import type { Operation, Recorded } from "../api/stories";
import { momentsOf } from "./timeline.svelte";

let version = 0;
const record = (operation: Operation, unit: string, role = "do"): Recorded => {
  version += 1;
  return { ...operation, version, id: String(version), unit, author: "a", time: version, role };
};
const edit = (insert: string, piece = ""): Operation => ({ kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert, piece }] });

test("operations of one unit are one moment, which is told by what it did", () => {
  version = 0;
  const moments = momentsOf([
    record(edit("a"), "u1"),
    record(edit("b"), "u1"),
    record(edit("c", "p1"), "u2"),
    record({ kind: "put", place: "pieces/p1", value: {} }, "u3"),
    record(edit(""), "u2", "undo"),
    record({ kind: "branch", branch: "b", parent: "main" }, "u4"),
    record({ kind: "select", branch: "b" }, "u5"),
    record({ kind: "put", place: "memory", value: "" }, "u6"),
  ]);
  expect(moments.map(({ version: at, deed, place }) => [at, deed, place])).toEqual([
    [2, "typed", ""],
    [4, "piece", ""],
    [5, "undo", ""],
    [6, "branch", ""],
    [7, "select", ""],
    [8, "changed", "memory"],
  ]);
});

test("an undo of a unit is a moment of its own, also right behind it", () => {
  version = 0;
  const moments = momentsOf([record(edit("a"), "u1"), record(edit(""), "u1", "undo"), record(edit("a"), "u1", "redo")]);
  expect(moments.map(({ deed }) => deed)).toEqual(["typed", "undo"]);
});
