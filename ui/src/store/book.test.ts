import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Appended, StoriesApi, StoryState } from "../api/stories";
import { Book } from "./book.svelte";

/** Stories on a server that answers when the test wants. */
class Server {
  readonly #appends: ((answer: Appended) => void)[] = [];
  readonly #gets = new Map<string, () => void>();

  readonly api = {
    get: (id: string) => new Promise((resolve) => this.#gets.set(id, () => resolve({ version: 1, state: stateOf(id), steps: { "text/main": { canUndo: true, canRedo: false } } }))),
    append: () => new Promise<Appended>((resolve) => this.#appends.push(resolve)),
    watch: () => () => undefined,
  } as unknown as StoriesApi;

  async tell(id: string): Promise<void> {
    this.#gets.get(id)?.();
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
afterEach(() => void vi.useRealTimers());

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
