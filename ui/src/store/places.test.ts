import { expect, test } from "vitest";

import type { Operation } from "../api/stories";
import { NOTHING, withOperation, withOperations } from "./places";

const put = (place: string, value: unknown): Operation => ({ kind: "put", place, value });

test("many operations at once come to the same as one after the other, and change nothing that was there", () => {
  const before = { places: { ...NOTHING, lore: { a: { comment: "A" } } }, branches: { main: { text: "A lamp.", runs: [] } } };
  const operations: Operation[] = [
    put("lore/b", { comment: "B" }),
    put("memory", "A tale."),
    put("lore/c", { comment: "C" }),
    { kind: "remove", place: "lore/a" },
    put("characters/gwen", { card: {} }),
    put("branch/main", { name: "First" }),
    { kind: "remove", place: "lore/nothing" },
    { kind: "branch", branch: "other", parent: "main", at: 2 },
    put("lore/b", { comment: "B again" }),
  ];
  const kept = structuredClone(before);
  expect(withOperations(before, operations)).toEqual(operations.reduce(withOperation, before));
  expect(before).toEqual(kept);
});

test("a large book comes in and goes in a moment", () => {
  const ids = Array.from({ length: 20_000 }, (_, n) => `lore/${String(n)}`);
  const full = withOperations({ places: NOTHING, branches: {} }, ids.map((id) => put(id, {})));
  expect(Object.keys(full.places.lore)).toHaveLength(20_000);
  const empty = withOperations(full, ids.map((place) => ({ kind: "remove", place })));
  expect(empty.places.lore).toEqual({});
});
