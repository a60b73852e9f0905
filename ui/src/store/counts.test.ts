import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ApiError } from "../api/types";
import { Counts } from "./counts.svelte";

class Desk {
  asked: (readonly string[])[] = [];
  model: string | null = "first";
  fails = false;
  /** Milliseconds that an answer takes. */
  takes = 0;
  readonly counts = new Counts(
    {
      tokens: async (texts) => {
        this.asked.push(texts);
        const [fails, other] = [this.fails, this.model === "first" ? 0 : 100];
        if (this.takes > 0) await new Promise((resolve) => void setTimeout(resolve, this.takes));
        if (fails) throw new ApiError("gone", "");
        return texts.map((text) => text.length + other);
      },
    },
    () => this.model,
  );

  async want(texts: string[]): Promise<void> {
    this.counts.want(texts);
    await vi.advanceTimersByTimeAsync(1000);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("texts are counted once, in parts that others need not wait for", async () => {
  const desk = new Desk();
  const texts = Array.from({ length: 450 }, (_, at) => `${"a".repeat(at)}b`);
  expect([desk.counts.of("b"), desk.counts.of(""), desk.counts.sum(["b", ""])]).toEqual([null, 0, null]);
  await desk.want(texts);
  await desk.want([...texts, ""]);
  expect(desk.asked.map((part) => part.length)).toEqual([200, 200, 50]);
  expect(desk.counts.sum(texts)).toBe(texts.join("").length);
  await desk.want(["x".repeat(60_000), "y".repeat(60_000), "z".repeat(100_001)]);
  expect(desk.asked.slice(3).map((part) => part.length)).toEqual([1, 1]);
});

test("what is typed is counted when it rests, and what is not on screen any more is not", async () => {
  const desk = new Desk();
  for (const text of ["T", "Th", "The"]) {
    desk.counts.want([text]);
    await vi.advanceTimersByTimeAsync(100);
  }
  await desk.want(["The"]);
  expect(desk.asked).toEqual([["The"]]);
});

test("another model has other tokens, and none has none", async () => {
  const desk = new Desk();
  await desk.want(["one"]);
  expect(desk.counts.of("one")).toBe(3);
  desk.model = "second";
  await desk.want(["one"]);
  expect(desk.counts.of("one")).toBe(103);
  desk.model = null;
  await desk.want(["one", "two"]);
  expect([desk.counts.of("one"), desk.asked.length]).toEqual([null, 2]);
});

test("a server that is away is asked again for what is wanted next", async () => {
  const desk = new Desk();
  desk.fails = true;
  await desk.want(["one"]);
  expect([desk.counts.of("one"), desk.asked.length]).toEqual([null, 1]);
  desk.fails = false;
  await desk.want(["one"]);
  expect(desk.counts.of("one")).toBe(3);
});

test("an answer of the model before does not stand for the next one's", async () => {
  const desk = new Desk();
  for (const fails of [false, true]) {
    Object.assign(desk, { asked: [], model: "first", takes: 2000, fails });
    await desk.want([`one ${String(fails)}`, "two"]);
    Object.assign(desk, { model: "second", fails: false, takes: 0 });
    await desk.want([`one ${String(fails)}`]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(desk.counts.of(`one ${String(fails)}`)).toBe(`one ${String(fails)}`.length + 100);
    expect(desk.asked.length).toBe(2);
  }
});

test("what is wanted while a request fails is counted", async () => {
  const desk = new Desk();
  Object.assign(desk, { fails: true, takes: 2000 });
  await desk.want(["one"]);
  Object.assign(desk, { fails: false, takes: 0 });
  await desk.want(["one", "two"]);
  await vi.advanceTimersByTimeAsync(3000);
  expect([desk.counts.of("two"), desk.asked]).toEqual([3, [["one"], ["two"]]]);
});

test("a server that is away is asked for one part", async () => {
  const desk = new Desk();
  desk.fails = true;
  await desk.want(Array.from({ length: 450 }, (_, at) => `${"a".repeat(at)}b`));
  expect(desk.asked.length).toBe(1);
});
