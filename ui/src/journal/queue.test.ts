import { ChangeSet, Text } from "@codemirror/state";
import { expect, test } from "vitest";

import type { Recorded, Sent } from "../api/stories";
import { difference } from "./difference";
import { added, crossed, inParts, movedPast, toChangeSet, toSent, type EditEntry, type Entry } from "./queue";
import { Units } from "./units";

const edit = (length: number, from: number, to: number, insert: string, change: Partial<EditEntry> = {}): EditEntry => ({
  kind: "edit",
  id: "i",
  unit: "u",
  branch: "main",
  piece: "",
  changes: ChangeSet.of({ from, to, insert }, length),
  ...change,
});
const apply = (text: string, ...changes: ChangeSet[]): string =>
  changes.reduce((doc, change) => change.apply(doc), Text.of(text.split("\n"))).toString();

test("the difference of two texts touches only what differs", () => {
  expect(difference("abc", "abc")).toBe(null);
  expect(difference("one two three", "one 2 three")).toEqual({ from: 4, to: 7, insert: "2" });
  expect(difference("aa", "aaa")).toEqual({ from: 2, to: 2, insert: "a" });
  expect(difference("aaa", "a")).toEqual({ from: 1, to: 3, insert: "" });
});

test("letters of one step are sent as one edit, those of another source are not", () => {
  let queue: Entry[] = [];
  for (const [at, letter] of [..."lamp"].entries()) queue = added(queue, edit(2 + at, 2 + at, 2 + at, letter));
  queue = added(queue, edit(6, 6, 6, " went", { piece: "p1" }));
  expect(queue.map(toSent)).toEqual([
    { kind: "edit", id: "i", unit: "u", branch: "main", changes: [{ from: 2, to: 2, insert: "lamp" }] },
    { kind: "edit", id: "i", unit: "u", branch: "main", changes: [{ from: 6, to: 6, insert: " went", piece: "p1" }] },
  ]);
});

test("a field that is typed into is sent once", () => {
  const put = (value: string): Entry => ({ kind: "other", id: value, unit: "m", operation: { kind: "put", place: "memory", value } });
  expect(added(added([], put("a")), put("ab")).map(toSent)).toEqual([
    { kind: "put", place: "memory", value: "ab", id: "a", unit: "m" },
  ]);
});

test("what others did and what was done here lead to the same text, whichever comes first", () => {
  const start = "one\ntwo\nthree";
  const ours = [edit(13, 13, 13, " four"), edit(18, 0, 3, "1")];
  const theirs = toChangeSet([{ from: 4, to: 7, insert: "2" }], 13);
  const met = crossed(theirs, "main", ours);
  const here = apply(start, ...ours.map(({ changes }) => changes), met.theirs);
  const there = apply(start, theirs, ...met.ours.map((entry) => (entry as EditEntry).changes));
  expect(here).toBe("1\n2\nthree four");
  expect(there).toBe(here);
});

test("a step of undo ends at a pause, a new line, a jump and a paste", () => {
  let id = 0;
  const units = new Units(() => String(++id));
  const type = (length: number, at: number, text: string, now: number, event = "input.type"): string =>
    units.of(ChangeSet.of({ from: at, insert: text }, length), "", event, now);
  expect(type(0, 0, "a", 0)).toBe("1");
  expect(type(1, 1, "b", 100)).toBe("1");
  expect(type(2, 2, "c", 1200)).toBe("2");
  expect(type(3, 3, "\n", 1300)).toBe("2");
  expect(type(4, 4, "d", 1400)).toBe("3");
  expect(type(5, 0, "e", 1500)).toBe("4");
  expect(type(6, 1, "pasted", 1600, "input.paste")).toBe("5");
  expect(type(12, 7, "f", 1700)).toBe("6");
});

test("all that a generation writes is one step, and so is all that is accepted of a ghost", () => {
  let id = 0;
  const units = new Units(() => String(++id));
  const write = (piece: string, event: string): string => units.of(ChangeSet.of({ from: 0, insert: "a" }, 0), piece, event, 0);
  units.begin("piece");
  expect([write("piece", "input.generate"), write("", "input.type"), write("piece", "input.generate")]).toEqual(["piece", "1", "piece"]);
  units.endGeneration();
  expect(write("", "input.replace")).toBe("2");
  expect([write("ghost", "input.ghost"), write("ghost", "input.ghost")]).toEqual(["ghost", "ghost"]);
});

test("what is left is moved past others, and without what they were told of it already", () => {
  const put = (id: string, from: number, insert: string): Sent => ({ kind: "edit", branch: "main", changes: [{ from, to: from, insert }], id, unit: id });
  const told = (id: string, from: number, insert: string): Recorded => ({ ...put(id, from, insert), version: 1, author: "", time: 0, role: "do" });
  const ours = [put("a", 4, "aa"), put("b", 6, "bb"), { kind: "select", branch: "main", id: "c", unit: "c" } as const];
  expect(movedPast([told("x", 0, "---"), told("a", 7, "aa"), told("y", 0, "+")], ours)).toEqual([put("b", 10, "bb"), ours[2]]);
  expect(movedPast([], ours)).toEqual(ours);
});

test("a part has few operations and few characters, and one that is larger than that goes by itself", () => {
  const put = (size: number): Sent => ({ kind: "put", place: "memory", value: "m".repeat(size), id: "a", unit: "a" });
  const sizes = (all: readonly Sent[]): number[] => {
    const [part, rest] = inParts(all, (one) => one);
    return rest.length > 0 ? [part.length, ...sizes(rest)] : [part.length];
  };
  expect(sizes(Array.from({ length: 2500 }, () => put(10)))).toEqual([1000, 1000, 500]);
  const million = 1_000_000;
  expect(sizes([put(million), put(million), put(million), put(million), put(million), put(9 * million), put(1)])).toEqual([4, 1, 1, 1]);
  expect(sizes([])).toEqual([0]);
});

test("beside the text typing in one field is a step until a pause, and each change of a list is one", () => {
  let id = 0;
  const units = new Units(() => String(++id));
  let old: unknown = { comment: "", key: [], card: { data: { name: "" } }, order: 1 };
  const put = (fields: object, now: number, place = "lore/a"): string => {
    const value = { ...(old as object), ...fields };
    const unit = units.ofPlace(place, old, value, now);
    old = value;
    return unit;
  };
  expect([put({ comment: "T" }, 0), put({ comment: "Th" }, 300), put({ comment: "The" }, 1200), put({ comment: "The " }, 2300)]).toEqual(["1", "1", "1", "2"]);
  expect([put({ key: ["a"] }, 2400), put({ key: ["a", "b"] }, 2410), put({ key: ["b"] }, 2420)]).toEqual(["3", "4", "5"]);
  expect([put({ disable: true }, 2500), put({ disable: false }, 2510)]).toEqual(["6", "7"]);
  expect([put({ order: 2 }, 2600), put({ order: 3 }, 2700), put({ comment: "x" }, 2800)]).toEqual(["8", "8", "9"]);
  expect([put({ card: { data: { name: "G" } } }, 2900), put({ card: { data: { name: "Gw" } } }, 3000)]).toEqual(["10", "10"]);
  expect([put({ comment: "x\n" }, 3100), put({ comment: "x\ny" }, 3200)]).toEqual(["11", "12"]);
  expect([units.ofPlace("memory", "", "m".repeat(130), 3300), units.ofPlace("memory", "m".repeat(130), "m".repeat(131), 3400)]).toEqual(["13", "14"]);
});
