import { type ChangeSet, Text } from "@codemirror/state";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Appended, Recorded, StoriesApi, StoryState } from "../api/stories";
import type { Story } from "../editor/story";
import { Book } from "./book.svelte";

/** Stories on a server that answers when the test wants. */
class Server {
  readonly #appends: ((answer: Appended) => void)[] = [];
  readonly #gets = new Map<string, () => void>();
  readonly #reads = new Map<string, (records: readonly Recorded[]) => void>();

  readonly api = {
    get: (id: string) => new Promise((resolve) => this.#gets.set(id, () => resolve({ version: 1, state: stateOf(id), steps: { "text/main": { canUndo: true, canRedo: false } } }))),
    append: () => new Promise<Appended>((resolve) => this.#appends.push(resolve)),
    watch: () => () => undefined,
    operations: (id: string) => new Promise((resolve) => this.#reads.set(id, resolve)),
  } as unknown as StoriesApi;

  async tell(id: string): Promise<void> {
    this.#gets.get(id)?.();
    await pass(1);
  }

  async read(id: string, ...records: object[]): Promise<void> {
    this.#reads.get(id)?.(records.map((one, n) => ({ ...one, id: String(n), unit: "", version: n + 2, author: "other", time: 0, role: "do" }) as Recorded));
    await pass(1);
  }

  async save(): Promise<void> {
    this.#appends.shift()?.({ version: 2, operations: [], since: [] });
    await pass(1);
  }
}

const stateOf = (id: string): StoryState =>
  ({ selected: "main", branches: { main: { text: `The story ${id}.`, runs: [] } } }) as unknown as StoryState;

async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

async function opened(server: Server): Promise<{ book: Book; addresses: string[] }> {
  const addresses: string[] = [];
  const nothing = (): void => undefined;
  const onOpen = (id: string): void => void addresses.push(id);
  const book = new Book(server.api, null, { onOpen, onPlace: nothing, onConflict: nothing, onMet: nothing, onOrphan: nothing });
  void book.open("one", null);
  await pass(1);
  await server.tell("one");
  return { book, addresses };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a story that is opened while a branch of another one is saved stays open", async () => {
  const server = new Server();
  const { book, addresses } = await opened(server);
  book.put("title", "One");
  void book.journal?.flush();
  // The branch and the story both wait until all is saved, and the story is told first.
  void book.branchOff(9, null, []);
  await pass(10);
  void book.open("two", null);
  await pass(15);
  await server.save();
  await pass(20);
  await server.save();
  await pass(5);
  await server.tell("two");
  expect(book.id).toBe("two");
  await pass(100);
  await server.tell("one");
  expect(book.id).toBe("two");
  expect(addresses.at(-1)).toBe("two");
});

test("of two stories the one that was asked for last is shown, whichever comes first", async () => {
  const server = new Server();
  const { book } = await opened(server);
  void book.open("two", null);
  void book.open("three", null);
  await pass(1);
  await server.tell("three");
  await server.tell("two");
  expect(book.id).toBe("three");
});

test("a new branch is shown once it is saved", async () => {
  const server = new Server();
  const { book } = await opened(server);
  void book.branchOff(9, null, []);
  expect(book.branch).toBe("main");
  await server.save();
  expect(book.text).toBe("The story");
  expect(book.branch).not.toBe("main");
});

test("what is read of a story that was left does not come into the one that is open", async () => {
  // Another window listens: this one waits its turn, and reads what it may have missed.
  const request = (_name: string, options: LockOptions, act?: (lock: null) => unknown): Promise<unknown> =>
    options.ifAvailable ? Promise.resolve(act?.(null)) : new Promise(() => undefined);
  vi.stubGlobal("navigator", { locks: { request } });
  const server = new Server();
  const { book } = await opened(server);
  let text = "";
  const applyRemote = (changes: ChangeSet): void => void (text = changes.apply(Text.of([text])).toString());
  book.attach({ text: () => text, length: () => text.length, runs: () => [], caret: () => 0, load: (now: string) => (text = now), applyRemote } as unknown as Story);
  await pass(1);
  void book.open("two", null);
  await pass(1);
  await server.tell("two");
  await server.read("one", { kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: "Of one. " }] }, { kind: "put", place: "memory", value: "Of one." });
  expect([book.id, text, book.places.memory]).toEqual(["two", "The story two.", ""]);
  await server.read("two", { kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: "Of two. " }] });
  expect(text).toBe("Of two. The story two.");
});
