import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Elsewhere } from "./elsewhere";
import { type Claim, keepRunning, type Running, runningIn } from "./running";
import type { Session } from "./session.svelte";
import { Writer } from "./writer";

const WHERE = { story: "s", branch: "main" };
const theirs = { ...WHERE, author: "them", genkey: "key", stream: "stream", piece: "p" } as unknown as Running;

/** As a browser's: kept until it is taken out. */
function storageOf(): Storage {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) } as unknown as Storage;
}

/** A page that shows a text, of which the server knows what `reopen` leaves. */
class Page {
  readonly storage = storageOf();
  readonly generation = { elsewhere: "", phase: "idle", get isOurs() { return this.phase !== "idle"; }, get isRunning() { return this.isOurs || this.elsewhere !== ""; }, prepare() { this.phase = "sending"; }, giveUp() { this.phase = "idle"; } };
  readonly book = {
    id: "s" as string | null,
    branch: "main",
    broken: null as { id: string } | null,
    kept: { author: "me", collect: (): Promise<void> => Promise.resolve() },
    reopen: (): Promise<void> => Promise.resolve(),
  };
  readonly outlook = { changed: (): void => undefined };
  readonly story = {};
  readonly settle = vi.fn(() => Promise.resolve(void (this.generation.phase = "idle")));
  readonly session = this as unknown as Session;

  get record(): Claim | Running | null {
    return runningIn(this.storage, WHERE);
  }
}

/** Locks that are asked for, each granted when the test says that its page is gone. */
const asked: (() => unknown)[] = [];

beforeEach(() => {
  asked.length = 0;
  const request = (_name: string, act: () => unknown): Promise<unknown> => new Promise((resolve) => asked.push(() => resolve(act())));
  vi.stubGlobal("navigator", { locks: { request } });
});
afterEach(() => vi.unstubAllGlobals());

test("a page that writes elsewhere is waited for once, however often it is heard of", async () => {
  const page = new Page();
  const taken: (Claim | Running)[] = [];
  const elsewhere = new Elsewhere(page.session, (running) => taken.push(running));
  keepRunning(page.storage, theirs);
  for (let time = 0; time < 5; time++) void elsewhere.find();
  keepRunning(page.storage, { ...theirs, genkey: "next" });
  void elsewhere.find();
  expect([asked.length, page.generation.elsewhere]).toEqual([1, "next"]);
  asked[0]?.();
  await vi.waitFor(() => expect(taken).toEqual([{ ...theirs, author: "me", genkey: "next" }]));
  keepRunning(page.storage, theirs);
  void elsewhere.find();
  expect(asked.length).toBe(2);
});

test("what this page is doing is ended before it takes a piece over", async () => {
  const page = new Page();
  const phases: string[] = [];
  const elsewhere = new Elsewhere(page.session, () => phases.push(page.generation.phase));
  keepRunning(page.storage, theirs);
  void elsewhere.find();
  page.generation.phase = "writing";
  asked[0]?.();
  await vi.waitFor(() => expect(phases).toEqual(["idle"]));
  expect(page.settle).toHaveBeenCalledOnce();
});

test("a page that cannot go on with a piece does not keep others from it", async () => {
  const page = new Page();
  const mine = { ...theirs, author: "me" };
  keepRunning(page.storage, mine);
  page.generation.phase = "writing";
  expect(await new Writer(page.session).resume(mine)).toBe(false);
  expect([page.record, page.generation.phase]).toEqual([null, "writing"]);
});

test("while the server is away a piece is nobody's, and goes on where its text is opened again", async () => {
  const page = new Page();
  const mine = { ...theirs, author: "me" };
  keepRunning(page.storage, mine);
  page.book.reopen = () => Promise.resolve(void Object.assign(page.book, { id: null, broken: { id: "s" } }));
  await new Writer(page.session).resume(mine);
  expect([page.record, page.generation.phase]).toEqual([{ ...mine, author: "" }, "idle"]);
  Object.assign(page.book, { id: "s", broken: null });
  const taken: (Claim | Running)[] = [];
  void new Elsewhere(page.session, (running) => taken.push(running)).find();
  asked[0]?.();
  await vi.waitFor(() => expect(taken).toEqual([mine]));
});

test("a browser whose storage fails writes nothing, and can be written with", async () => {
  const page = new Page();
  const mine = { ...theirs, author: "me" };
  keepRunning(page.storage, mine);
  page.book.kept.collect = () => Promise.reject(new DOMException("The disk is full."));
  expect(await new Writer(page.session).resume(mine)).toBe(false);
  expect([page.record, page.generation.phase]).toEqual([null, "idle"]);
});
