import { expect, test } from "vitest";

import { type Deeds, isDone, STEPS, Tour } from "./tour.svelte";

const NOTHING: Deeds = { length: 9, generations: 0, retries: 0, undos: 0, isWriting: false, panel: null, story: "a" };

/** A browser's storage in memory. */
function storage(): Storage {
  const held = new Map<string, string>();
  return { getItem: (key: string) => held.get(key) ?? null, setItem: (key: string, value: string) => void held.set(key, value) } as Storage;
}

const DONE: Readonly<Record<(typeof STEPS)[number], Partial<Deeds>>> = {
  write: { length: 12 },
  generate: { generations: 1 },
  retry: { retries: 1 },
  undo: { undos: 1 },
  context: { panel: "context" },
  own: { story: "b" },
};

test("each step is done by what it asks for, and by nothing else", () => {
  for (const step of STEPS) {
    const done = STEPS.filter((other) => isDone(step, NOTHING, { ...NOTHING, ...DONE[other] }));
    expect(done).toEqual([step]);
  }
});

test("a piece that is still being written is not done", () => {
  expect(isDone("generate", NOTHING, { ...NOTHING, generations: 1, isWriting: true })).toBe(false);
  expect(isDone("write", NOTHING, { ...NOTHING, length: 99, isWriting: true })).toBe(false);
});

test("it goes on where it was after a reload, and ends for good", () => {
  const kept = storage();
  const tour = new Tour(kept);
  expect([tour.step, tour.isKnown]).toEqual([null, false]);
  tour.begin();
  tour.look(NOTHING);
  tour.look({ ...NOTHING, length: 10 });
  expect(tour.step).toBe("generate");
  expect(new Tour(kept).step).toBe("generate");
  tour.skip();
  expect([new Tour(kept).step, tour.isKnown]).toEqual([null, true]);
});

test("after the last step there is a word of goodbye, and no tour at the next visit", () => {
  const kept = storage();
  const tour = new Tour(kept);
  tour.begin();
  let now = NOTHING;
  tour.look(now);
  for (const step of STEPS) tour.look((now = { ...now, ...DONE[step] }));
  expect([tour.at, tour.step]).toEqual([STEPS.length, null]);
  expect(new Tour(kept).at).toBeNull();
});
