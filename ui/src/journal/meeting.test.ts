import { expect, test } from "vitest";

import type { Recorded } from "../api/stories";
import { joinedValue, joinedWith } from "./meeting";
import type { Entry } from "./queue";

test("keys, fields and places of a text that were changed at once are joined", () => {
  const was = { key: ["lamp", "wick"], comment: "The Lamp", content: "It burns. It is old.", order: 1 };
  const theirs = { ...was, key: ["lamp", "wick", "oil"], content: "It burns blue. It is old." };
  const ours = { ...was, key: ["light", "lamp"], content: "It burns. It is very old.", order: 5 };
  const value = { key: ["lamp", "oil", "light"], comment: "The Lamp", content: "It burns blue. It is very old.", order: 5 };
  expect(joinedValue(was, theirs, ours)).toEqual({ value, isWhole: true });
});

test("where both changed the same letters or number, what was done here stands, and that is told", () => {
  expect(joinedValue({ order: 1 }, { order: 2 }, { order: 3 })).toEqual({ value: { order: 3 }, isWhole: false });
  expect(joinedValue("It is old", "It is older", "It is cold")).toEqual({ value: "It is colder", isWhole: true });
  expect(joinedValue("The lamp", "The lantern", "The light")).toEqual({ value: "The light", isWhole: false });
});

test("a name, and what begins with nothing, is not joined by its letters", () => {
  expect(joinedValue("", "chat", "adventure")).toEqual({ value: "adventure", isWhole: false });
  expect(joinedValue({ logic: "and_any" }, { logic: "not_any" }, { logic: "and_all" })).toEqual({ value: { logic: "and_all" }, isWhole: false });
  expect(joinedValue(undefined, "One lamp", "Two lamps")).toEqual({ value: "Two lamps", isWhole: false });
  expect(joinedValue("灯が燃える。", "青い灯が燃える。", "灯が燃える。夜だ。")).toEqual({ value: "青い灯が燃える。夜だ。", isWhole: true });
});

test("an entry that is gone elsewhere comes back with what was done here, and one that is gone here is gone", () => {
  const record = (kind: "put" | "remove", place: string): Recorded => ({ kind, place, value: { a: 1 }, id: `${kind}${place}`, unit: "", version: 1, author: "", time: 0, role: "do" }) as Recorded;
  const entry = (kind: "put" | "remove", place: string): Entry => ({ kind: "other", id: place, unit: "", was: { a: 0 }, operation: { kind, place, value: { a: 2 } } }) as Entry;
  const found = joinedWith([record("remove", "lore/a"), record("put", "lore/b"), record("put", "lore/c")], [entry("put", "lore/a"), entry("remove", "lore/b"), entry("put", "lore/d")]);
  expect(found.met).toEqual(["lore/a", "lore/b"]);
  expect(found.ours.map((one) => one.kind === "other" && one.operation.kind)).toEqual(["put", "remove", "put"]);
});

test("several changes of a place are each joined with what is there after the one before", () => {
  const theirs = (value: unknown): Recorded => ({ kind: "put", place: "memory", value, id: "x", unit: "", version: 1, author: "", time: 0, role: "do" }) as Recorded;
  const steps = (...values: unknown[]): Entry[] => values.slice(1).map((value, n) => ({ kind: "other", id: String(n), unit: "", was: values[n], operation: { kind: "put", place: "memory", value } }));
  const after = (other: unknown, ours: Entry[]): unknown[] => {
    const found = joinedWith([theirs(other)], ours);
    expect(found.met).toEqual([]);
    return found.ours.map((one) => one.kind === "other" && one.operation.kind === "put" && [one.was, one.operation.value]);
  };
  const [lamp, oil, wick, glass] = ["lamp", "oil", "wick", "glass"];
  expect(after([lamp, oil], steps([lamp], [lamp, wick], [lamp, wick, glass]))).toEqual([
    [[lamp, oil], [lamp, oil, wick]],
    [[lamp, oil, wick], [lamp, oil, wick, glass]],
  ]);
  expect(after("Rain. It is cold.", steps("It is cold.", "It is cold. She sleeps.", "It is cold. She sleeps. He waits."))).toEqual([
    ["Rain. It is cold.", "Rain. It is cold. She sleeps."],
    ["Rain. It is cold. She sleeps.", "Rain. It is cold. She sleeps. He waits."],
  ]);
  expect(after([lamp, oil], steps([lamp], [], [lamp]))).toEqual([
    [[lamp, oil], [oil]],
    [[oil], [oil, lamp]],
  ]);
});

test("what is changed here, then taken out, then put again stands on what was done here before", () => {
  const theirs = { kind: "put", place: "lore/a", value: { order: 2 }, id: "x", unit: "", version: 1, author: "", time: 0, role: "do" } as Recorded;
  const put = { kind: "other", id: "1", unit: "", was: { order: 1 }, operation: { kind: "put", place: "lore/a", value: { order: 3 } } } as const;
  const remove = { kind: "other", id: "2", unit: "", was: { order: 3 }, operation: { kind: "remove", place: "lore/a" } } as const;
  const again = { ...put, id: "3", was: undefined };
  const found = joinedWith([theirs], [put, remove, again]);
  expect(found.met).toEqual(["lore/a"]);
  expect(found.ours.map((one) => one.kind === "other" && one.was)).toEqual([{ order: 2 }, { order: 3 }, undefined]);
});
