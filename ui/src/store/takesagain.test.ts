import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Api } from "../api/client";
import { keepTakes, type RunningTakes, takesIn } from "./runningtakes";
import type { Session } from "./session.svelte";
import { Takes } from "./takes.svelte";
import { TakesAgain } from "./takesagain";

const WHERE = { story: "s", branch: "main" };
const theirs = { ...WHERE, id: "1", author: "them", slot: "slot", old: null, tail: "", receipt: { opening: "" }, takes: [{ id: "t", piece: "p", genkey: "k", seed: 1, stream: "stream", isOver: false }] } as unknown as RunningTakes;

/** As a browser's: kept until it is taken out. */
function storageOf(): Storage {
  const kept = new Map<string, string>();
  return { get length() { return kept.size; }, key: (index: number) => [...kept.keys()][index] ?? null, getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) } as unknown as Storage;
}

/** A page that shows a text; what others left is sent when the test says so. */
class Page {
  readonly takes: Takes;
  readonly book = { id: "s", branch: "main", places: { takes: {} }, put: (): void => undefined, kept: { author: "me", collect: () => new Promise<void>((resolve) => (this.collected = resolve)) } };
  readonly server = { check: (): void => undefined };
  readonly storage: Storage;
  readonly session = this as unknown as Session;
  collected: () => void = () => undefined;

  constructor(storage: Storage, author = "me") {
    this.book.kept.author = author;
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

const authors = (storage: Storage): string[] => takesIn(storage, WHERE).map(({ author }) => author);

/** Locks that are asked for, each granted when the test says that its page is gone. */
const asked: (() => unknown)[] = [];
const names: string[] = [];
/** What pages do when another one has changed what is kept. */
const listeners: ((event: { key: string }) => void)[] = [];
const changed = (): void => listeners.forEach((listener) => listener({ key: "coblyn.takes.1" }));

beforeEach(() => {
  for (const list of [asked, names, listeners]) list.length = 0;
  const request = (name: string, act: () => unknown): Promise<unknown> => {
    names.push(name.replace("coblyn-page-", ""));
    return new Promise((resolve) => asked.push(() => resolve(act())));
  };
  vi.stubGlobal("navigator", { locks: { request } });
  vi.stubGlobal("window", { addEventListener: (_kind: string, listener: (event: { key: string }) => void) => listeners.push(listener) });
});
afterEach(() => vi.unstubAllGlobals());

test("takes do not come up in a text that was opened meanwhile, and go on where theirs is opened again", async () => {
  const page = new Page(storageOf());
  const again = new TakesAgain(page.session);
  keepTakes(page.storage, theirs);
  again.find();
  asked[0]?.();
  await settled();
  page.book.id = "other";
  page.collected();
  await settled();
  expect([page.texts, takesIn(page.storage, WHERE)]).toEqual([undefined, [{ ...theirs, author: "" }]]);
  page.book.id = "s";
  again.find();
  asked[1]?.();
  page.collected();
  await settled();
  expect([page.texts, authors(page.storage)]).toEqual([["The lamp"], ["me"]]);
});

test("takes of another page do not take the place of those that were asked for meanwhile", async () => {
  const page = new Page(storageOf());
  keepTakes(page.storage, theirs);
  new TakesAgain(page.session).find();
  asked[0]?.();
  page.takes.list = [{ id: "mine", piece: "q", text: "Mine", isWriting: true, failure: "" }];
  page.collected();
  await settled();
  expect([page.texts, takesIn(page.storage, WHERE)]).toEqual([["Mine"], [{ ...theirs, author: "" }]]);
});

test("a window that was open before the takes waits for theirs, and for the one that goes on with them", async () => {
  const storage = storageOf();
  const pages = [new Page(storage, "second"), new Page(storage, "third")];
  for (const page of pages) new TakesAgain(page.session).find();
  keepTakes(storage, theirs);
  changed();
  expect(names).toEqual(["them", "them"]);
  asked[0]?.();
  changed();
  asked[1]?.();
  pages[0]?.collected();
  await settled();
  expect([names.slice(2), pages.map(({ texts }) => texts)]).toEqual([["second"], [["The lamp"], undefined]]);
  asked[2]?.();
  pages[1]?.collected();
  await settled();
  expect([authors(storage), pages[1]?.texts]).toEqual([["third"], ["The lamp"]]);
});

test("takes that find columns open go on when these are closed", async () => {
  const page = new Page(storageOf());
  const again = new TakesAgain(page.session);
  page.takes.list = [{ id: "mine", piece: "q", text: "Mine", isWriting: false, failure: "" }];
  keepTakes(page.storage, theirs);
  changed();
  asked[0]?.();
  await settled();
  expect([page.texts, authors(page.storage)]).toEqual([["Mine"], ["them"]]);
  page.takes.close();
  again.find();
  asked[1]?.();
  page.collected();
  await settled();
  expect([page.texts, authors(page.storage)]).toEqual([["The lamp"], ["me"]]);
});

test("takes of two windows in one text are kept beside each other", () => {
  const storage = storageOf();
  keepTakes(storage, theirs);
  keepTakes(storage, { ...theirs, id: "2", author: "me" });
  keepTakes(storage, { ...theirs, id: "3", branch: "other" });
  expect(authors(storage)).toEqual(["them", "me"]);
  keepTakes(storage, { ...theirs, takes: theirs.takes.map((take) => ({ ...take, isOver: true })) });
  expect(authors(storage)).toEqual(["me"]);
});
