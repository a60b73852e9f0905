import { ChangeSet, Text } from "@codemirror/state";
import { expect, test } from "vitest";

import { whole } from "./whole";

const text = (words: string): Text => Text.of(words.split("\n"));

/** What a change looks like once it is whole. */
function made(words: string, ...specs: { from: number; to?: number; insert?: string }[]): unknown[] {
  const before = text(words);
  const changes = ChangeSet.of(specs, before.length);
  const after = changes.apply(before);
  const found = whole(changes, before, after);
  expect(found.apply(before).toString()).toBe(after.toString());
  const list: unknown[] = [];
  found.iterChanges((from, to, _fromB, _toB, inserted) => list.push([from, to, inserted.toString()]));
  return list;
}

test("one half of an emoji that changes is the whole emoji", () => {
  expect(made("a😀b", { from: 2, to: 3, insert: "\uDE01" })).toEqual([[1, 3, "😁"]]); // 😀 to 😁
  expect(made("a😀b", { from: 1, to: 2, insert: "\uD83E" })).toEqual([[1, 3, "🨀"]]);
  expect(made("a😀😁b", { from: 2, to: 4 })).toEqual([[1, 5, "😁"]]); // the second unit of one, the first of the next
  expect(made("😀", { from: 1, insert: "\uDE01\uD83D" })).toEqual([[0, 2, "😁😀"]]);
});

test("halves of neighbours are one change, and nothing is told twice", () => {
  expect(made("😀😀", { from: 1, to: 2, insert: "\uDE01" }, { from: 3, to: 4, insert: "\uDE02" })).toEqual([[0, 4, "😁😂"]]);
  expect(made("😀", { from: 0, to: 1, insert: "\uD83E" }, { from: 1, to: 2, insert: "\uDD14" })).toEqual([[0, 2, "🤔"]]);
});

test("what cuts nothing stays as it is", () => {
  const before = text("a😀\nb");
  const changes = ChangeSet.of([{ from: 1, to: 3 }, { from: 4, insert: "é👨‍👩‍👧" }], before.length);
  expect(whole(changes, before, changes.apply(before))).toBe(changes);
});

test("random changes of any units come out whole", () => {
  const units = ["a", "\n", "\uD83D", "\uD83E", "\uDE00", "\uDE01"];
  let seed = 7;
  const draw = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  for (let n = 0; n < 3000; n++) {
    const before = text(Array.from({ length: draw(8) }, () => units[draw(6)] ?? "").join(""));
    const specs = [];
    for (let at = draw(3); at <= before.length; at += 1 + draw(4)) {
      const to = Math.min(before.length, at + draw(3));
      specs.push({ from: at, to, insert: text(Array.from({ length: draw(3) }, () => units[draw(6)] ?? "").join("")) });
      at = to;
    }
    const changes = ChangeSet.of(specs, before.length);
    const after = changes.apply(before);
    const found = whole(changes, before, after);
    expect(found.apply(before).toString()).toBe(after.toString());
    found.iterChanges((from, to, fromB, toB) => {
      for (const [at, where] of [[from, before], [to, before], [fromB, after], [toB, after]] as const)
        expect(/^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(where.sliceString(Math.max(0, at - 1), at + 1))).toBe(false);
    });
  }
});
