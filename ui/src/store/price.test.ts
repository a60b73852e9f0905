import { expect, test } from "vitest";

import { causeOf, priceOf, remedyOf, sharesOf } from "./price";
import type { Segment } from "../api/types";
import { compare } from "../journal/words";

test("what differs is told word by word, in Chinese sign by sign", () => {
  expect(compare("the men went down", "the women went down")).toEqual([
    { kind: "same", text: "the " },
    { kind: "removed", text: "men " },
    { kind: "added", text: "women " },
    { kind: "same", text: "went down" },
  ]);
  expect(compare("灯灭了", "灯亮了").map(({ kind, text }) => `${kind} ${text}`)).toEqual(["same 灯", "removed 灭", "added 亮", "same 了"]);
  expect(compare("", "new")).toEqual([{ kind: "added", text: "new" }]);
  expect(compare("same", "same")).toEqual([{ kind: "same", text: "same" }]);
});

test("both texts can be put together again from what is told", () => {
  const words = ["a ", "b ", "c ", "d "];
  let seed = 7;
  const next = (): number => (seed = (seed * 48271) % 2147483647);
  const random = (): string => Array.from({ length: next() % 12 }, () => words[next() % 4]).join("");
  for (let round = 0; round < 200; round++) {
    const [old, now] = [random(), random()];
    const parts = compare(old, now);
    expect(parts.filter(({ kind }) => kind !== "added").map(({ text }) => text).join("")).toBe(old);
    expect(parts.filter(({ kind }) => kind !== "removed").map(({ text }) => text).join("")).toBe(now);
  }
});

const segment = (kind: Segment["kind"], text: string, change: Partial<Segment> = {}): Segment => ({
  kind,
  id: kind,
  text,
  tokens: text.length,
  ...(kind === "story" ? { start: 0, end: text.length } : {}),
  ...change,
});
const plan = { tokens: 100, cached: 40, context: 4096, seconds: 3, waiting: 0 };

test("the cause is the first thing that is not as it was", () => {
  const last = [segment("memory", "M"), segment("lore", "L"), segment("story", "one two")];
  expect(causeOf([...last.slice(0, 2), segment("story", "one two three")], last)).toBeNull();
  expect(causeOf([segment("memory", "m"), ...last.slice(1)], last)).toEqual({ kind: "memory" });
  expect(causeOf([...last.slice(0, 1), ...last.slice(2)], last)).toEqual({ kind: "lore", id: "lore" });
  expect(causeOf([...last.slice(0, 2), segment("story", "two", { start: 4 })], last)).toEqual({ kind: "trimmed" });
  expect(causeOf([...last.slice(0, 2), segment("story", "ONE two")], last)).toEqual({ kind: "text" });
});

test("a price is of new text, or of text that is read again, with its cause", () => {
  const before = [segment("story", "one")];
  const now = [segment("story", "one two")];
  expect(priceOf({ ...plan, cached: 99 }, now, null)).toMatchObject({ kind: "once" });
  expect(priceOf(plan, now, before)).toMatchObject({ kind: "new", tokens: 60, seconds: 3, cause: null });
  expect(priceOf(plan, [segment("story", "two")], before)).toMatchObject({ kind: "again", cause: { kind: "text" } });
  expect(sharesOf([segment("memory", "1234"), segment("story", "12345678")], 6).map(({ cached }) => cached)).toEqual([4, 2]);
});

test("a cause has a remedy where one can do more than take a change back", () => {
  const places = { lore: { lamp: { key: ["lamp"] }, mine: { constant: true } }, note: {} };
  expect(remedyOf({ kind: "lore", id: "lamp" }, places)).toEqual({ kind: "always", id: "lamp" });
  expect(remedyOf({ kind: "lore", id: "mine" }, places)).toBeNull();
  expect(remedyOf({ kind: "lore", id: "gone" }, places)).toBeNull();
  expect(remedyOf({ kind: "note" }, places)).toEqual({ kind: "note", depth: 1 });
  expect(remedyOf({ kind: "note" }, { ...places, note: { depth: 1 } })).toBeNull();
  expect(remedyOf({ kind: "text" }, places)).toBeNull();
  expect(remedyOf(null, places)).toBeNull();
});
