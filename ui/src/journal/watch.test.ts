import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Recorded, StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import { Watch } from "./watch";

/** The locks of a browser that other pages hold, and who waits for one. */
class Locks {
  readonly waiting: { name: string; signal: AbortSignal | undefined; act: () => unknown }[] = [];
  isLeading = true;

  request(name: string, options: LockOptions, act: (lock: object | null) => unknown): Promise<unknown> {
    if (options.ifAvailable) return Promise.resolve(act(this.isLeading ? {} : null));
    return new Promise((resolve, reject) => {
      const one = { name, signal: options.signal, act: () => resolve(act({})) };
      this.waiting.push(one);
      options.signal?.addEventListener("abort", () => {
        this.waiting.splice(this.waiting.indexOf(one), 1);
        reject(new Error("Withdrawn."));
      });
    });
  }
}

let isHidden = false;
let look: () => void = () => undefined;
let locks: Locks;
const counts: number[] = [];
let heard: Recorded[] = [];
const open: BroadcastChannel[] = [];

beforeEach(() => {
  [isHidden, locks, heard] = [false, new Locks(), []];
  counts.length = 0;
  vi.stubGlobal("navigator", { locks });
  vi.stubGlobal("document", { get hidden() { return isHidden; }, addEventListener: (_: string, act: () => void) => (look = act), removeEventListener: () => undefined });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  for (const channel of open.splice(0)) channel.close();
});

function watched(operations: StoriesApi["operations"] = () => Promise.resolve([])): Watch {
  const api = { watch: () => () => undefined, operations };
  return new Watch(api, { story: "s", author: "me", version: () => 0 }, { operations: (records) => (heard = [...heard, ...records]), open: (count) => counts.push(count) });
}

/** Another window, which says that it is there when it is asked. */
function other(): { says(kind: "here" | "away"): void } {
  const channel = new BroadcastChannel("coblyn-story-s");
  open.push(channel);
  const says = (kind: "here" | "away"): void => channel.postMessage({ kind, author: "other" });
  channel.onmessage = ({ data }: MessageEvent<{ kind: string }>) => data.kind === "who" && says("here");
  return { says };
}

test("the window that listens waits once for the end of each other one, and for none while it is hidden", async () => {
  const { says } = other();
  const watch = watched();
  await vi.waitUntil(() => counts.at(-1) === 2);
  for (let n = 0; n < 3; n++) {
    isHidden = true;
    look();
    expect(locks.waiting).toEqual([]);
    isHidden = false;
    counts.length = 0;
    look();
    await vi.waitUntil(() => counts.at(-1) === 2);
  }
  for (const kind of ["here", "away", "here"] as const) {
    const numCounts = counts.length;
    says(kind);
    await vi.waitUntil(() => counts.length > numCounts);
  }
  expect(counts.at(-1)).toBe(2);
  expect(locks.waiting.map(({ name }) => name)).toEqual(["coblyn-page-other"]);
  locks.waiting[0]?.act();
  await vi.waitUntil(() => counts.at(-1) === 1);
  watch.close();
});

test("a window that is closed waits for nobody and hears nothing", async () => {
  other();
  const watch = watched();
  await vi.waitUntil(() => counts.at(-1) === 2);
  const [waiting] = locks.waiting;
  watch.close();
  expect(locks.waiting).toEqual([]);
  const numCounts = counts.length;
  waiting?.act(); // the lock came at the same moment
  await Promise.resolve();
  expect(counts.length).toBe(numCounts);
});

test("what was appended while nobody told a window is read, after a pause where that fails, and no more once it is closed", async () => {
  vi.useFakeTimers();
  locks.isLeading = false;
  const answers: (() => Promise<Recorded[]>)[] = [() => Promise.reject(new ApiError("gone", "")), () => Promise.resolve([{ id: "x" } as Recorded])];
  let numReads = 0;
  const watch = watched(() => answers[numReads++]?.() ?? Promise.reject(new ApiError("gone", "")));
  await vi.advanceTimersByTimeAsync(1000);
  expect([numReads, heard]).toEqual([1, []]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([numReads, heard]).toEqual([2, [{ id: "x" }]]);
  look();
  await vi.advanceTimersByTimeAsync(0);
  watch.close();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([numReads, heard.length]).toEqual([3, 1]);
});
