import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Api } from "../api/client";
import { keepTakes, type RunningTakes, takesIn } from "./runningtakes";
import type { Session } from "./session.svelte";
import { Takes } from "./takes.svelte";
import { TakesAgain } from "./takesagain";

const WHERE = { story: "s", branch: "main" };
const theirs = { ...WHERE, author: "them", slot: "slot", old: null, tail: "", receipt: { opening: "" }, takes: [{ id: "t", piece: "p", genkey: "k", seed: 1, stream: "stream", isOver: false }] } as unknown as RunningTakes;

/** As a browser's: kept until it is taken out. */
function storageOf(): Storage {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) } as unknown as Storage;
}

/** A page that shows a text; what others left is sent when the test says so. */
class Page {
  readonly takes: Takes;
  readonly book = { id: "s", branch: "main", places: { takes: {} }, put: (): void => undefined, kept: { author: "me", collect: () => new Promise<void>((resolve) => (this.collected = resolve)) } };
  readonly server = { check: (): void => undefined };
  readonly storage: Storage;
  readonly session = this as unknown as Session;
  collected: () => void = () => undefined;

  constructor(storage: Storage) {
    async function* resume(): AsyncGenerator<object> {
      yield { kind: "text", text: "The lamp" };
      await new Promise(() => undefined);
    }
    this.storage = storage;
    this.takes = new Takes({ resume } as unknown as Api);
  }

  close(): void {}
  notify(): void {}

  get texts(): string[] | undefined {
    return this.takes.list?.map(({ text }) => text);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Locks that are asked for, each granted when the test says that its page is gone. */
const asked: (() => unknown)[] = [];

beforeEach(() => {
  asked.length = 0;
  const request = (_name: string, act: () => unknown): Promise<unknown> => new Promise((resolve) => asked.push(() => resolve(act())));
  vi.stubGlobal("navigator", { locks: { request } });
});
afterEach(() => vi.unstubAllGlobals());

test("takes do not come up in a text that was opened meanwhile, and go on where theirs is opened again", async () => {
  const page = new Page(storageOf());
  const again = new TakesAgain(page.session);
  keepTakes(page.storage, theirs);
  void again.find();
  asked[0]?.();
  await settled();
  page.book.id = "other";
  page.collected();
  await settled();
  expect([page.texts, takesIn(page.storage, WHERE)]).toEqual([undefined, { ...theirs, author: "" }]);
  page.book.id = "s";
  void again.find();
  asked[1]?.();
  page.collected();
  await settled();
  expect([page.texts, takesIn(page.storage, WHERE)?.author]).toEqual([["The lamp"], "me"]);
});

test("takes of another page do not take the place of those that were asked for meanwhile", async () => {
  const page = new Page(storageOf());
  keepTakes(page.storage, theirs);
  void new TakesAgain(page.session).find();
  asked[0]?.();
  page.takes.list = [{ id: "mine", piece: "q", text: "Mine", isWriting: true, failure: "" }];
  page.collected();
  await settled();
  expect([page.texts, takesIn(page.storage, WHERE)]).toEqual([["Mine"], { ...theirs, author: "" }]);
});
