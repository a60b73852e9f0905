import { expect, test } from "vitest";

import { Carets } from "./carets";

function storage(): Storage {
  const held = new Map<string, string>();
  return {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
  } as Storage;
}

test("each branch has its own place", () => {
  const kept = storage();
  new Carets(kept).keep("a", "main", 7);
  new Carets(kept).keep("a", "other", 9);
  new Carets(kept).keep("a", "main", 8);
  expect(new Carets(kept).of("a", "main")).toBe(8);
  expect(new Carets(kept).of("a", "other")).toBe(9);
  expect(new Carets(kept).of("b", "main")).toBeNull();
});

test("the branches left last are remembered", () => {
  const carets = new Carets(storage());
  for (let number = 0; number < 300; number += 1) carets.keep("story", String(number), number);
  expect(carets.of("story", "299")).toBe(299);
  expect(carets.of("story", "0")).toBeNull();
});

test.each(["", "{", '"x"', '[[1, 2], ["a/main"], ["a/main", -1], ["a/main", 0.5]]'])("what was damaged is as if never kept: %s", (text) => {
  const kept = storage();
  kept.setItem("carets", text);
  expect(new Carets(kept).of("a", "main")).toBeNull();
  expect(new Carets(null).of("a", "main")).toBeNull();
});
