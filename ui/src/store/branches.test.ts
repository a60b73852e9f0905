import { expect, test } from "vitest";

import type { BranchState } from "../api/stories";
import { branchesOf, renamed, treeOf } from "./branches";
import { NOTHING, withOperation } from "./places";

const branch = (parent?: string): BranchState => ({ text: "", runs: [], ...(parent === undefined ? {} : { parent, at: 3 }) });
const all = { main: branch(), a: branch("main"), b: branch("a"), c: branch("main") };
const shape = (branches: Record<string, BranchState>): string[] => treeOf(branches).map(({ id, depth }) => `${"-".repeat(depth)}${id}`);

test("each branch stands below the one that it leaves", () => {
  expect(shape(all)).toEqual(["main", "-a", "--b", "-c"]);
});

test("a branch in the trash is not in the tree, and those that left it are", () => {
  const trash = { "branch/a": {}, "branch/c": {}, "lore/b": {} };
  const left = branchesOf({ branches: all, trash, selected: "c" });
  expect(shape(left)).toEqual(["main", "-c", "b"]);
});

test("another name keeps a branch where it is", () => {
  const put = { kind: "put", place: "branch/b", value: renamed(all.b, "The mine") } as const;
  // As the server has it: what is put is all that there is.
  expect(put.value).toEqual({ parent: "a", at: 3, name: "The mine" });
  const { branches } = withOperation({ places: NOTHING, branches: all }, put);
  expect(shape(branches)).toEqual(shape(all));
});
