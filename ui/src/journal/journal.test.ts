import { ChangeSet, Text } from "@codemirror/state";
import { expect, test, vi } from "vitest";

import type { Appended, Recorded, Sent, StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import { Journal } from "./journal.svelte";
import type { Outbox, Waiting } from "./outbox";
import { toChangeSet } from "./queue";

/** A journal on the server: what is appended stays, also where the answer is lost. */
class Server {
  records: Recorded[] = [];
  loses = false;

  append(base: number, author: string, sent: readonly Sent[]): Appended {
    const known = new Set(this.records.map(({ id }) => id));
    const since = this.records.filter(({ version }) => version > base);
    for (const one of sent) {
      if (known.has(one.id)) continue;
      this.records = [...this.records, { ...one, version: this.records.length + 1, author, time: 0, role: "do" } as Recorded];
    }
    if (this.loses) throw new ApiError("gone", "");
    return { version: this.records.length, since } as unknown as Appended;
  }

  get text(): string {
    return this.records.reduce((text, record) => (record.kind === "edit" ? applied(text, toChangeSet(record.changes, text.length)) : text), "");
  }
}

const applied = (text: string, changes: ChangeSet): string => changes.apply(Text.of(text.split("\n"))).toString();

test("what was written although its answer was lost is not taken for somebody else's", async () => {
  vi.useFakeTimers();
  const server = new Server();
  let text = "";
  const api = { append: (_: string, base: number, author: string, sent: readonly Sent[]) => Promise.resolve().then(() => server.append(base, author, sent)) };
  const journal = new Journal(
    api as unknown as StoriesApi,
    null,
    {
      onEdit: (_branch, changes) => (text = applied(text, changes)),
      onPlaces: () => undefined,
      onConflict: () => undefined, onMet: () => undefined,
      lengthOf: () => text.length,
    },
    { story: "s", version: 0, author: "me" },
  );
  let number = 0;
  const type = (words: string, at = text.length): void => {
    const changes = ChangeSet.of({ from: at, insert: words }, text.length);
    text = applied(text, changes);
    number += 1;
    journal.add({ kind: "edit", id: `op${String(number)}`, unit: `u${String(number)}`, branch: "main", changes, piece: "" });
  };
  type("one ");
  type("two ");
  server.loses = true;
  await vi.advanceTimersByTimeAsync(300);
  expect([server.text, journal.save]).toEqual(["one two ", "away"]);
  // Meanwhile somebody else writes at the beginning, and here it goes on.
  server.records = [...server.records, { kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: "zero " }], id: "x", unit: "x", version: 3, author: "other", time: 0, role: "do" } as Recorded];
  type("three ");
  server.loses = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect(text).toBe("zero one two three ");
  expect(server.text).toBe(text);
  expect(journal.save).toBe("saved");
  vi.useRealTimers();
});

test("what waits is sent in parts that the server takes, however much it is", async () => {
  vi.useFakeTimers();
  const server = new Server();
  const sizes: number[] = [];
  const api = { append: (_: string, base: number, author: string, sent: readonly Sent[]) => Promise.resolve(void sizes.push(sent.length)).then(() => server.append(base, author, sent)) };
  const events = { onEdit: () => undefined, onPlaces: () => undefined, onConflict: () => undefined, onMet: () => undefined, lengthOf: () => 0 };
  const journal = new Journal(api as unknown as StoriesApi, null, events, { story: "s", version: 0, author: "me" });
  for (let n = 0; n < 2500; n++) journal.add({ kind: "other", id: `op${String(n)}`, unit: "u", operation: { kind: "put", place: `lore/${String(n)}`, value: {} } });
  await vi.advanceTimersByTimeAsync(2000);
  expect(sizes).toEqual([1000, 1000, 500]);
  expect(server.records.map(({ id }) => id)).toEqual(Array.from({ length: 2500 }, (_, n) => `op${String(n)}`));
  expect(journal.isClean).toBe(true);
  vi.useRealTimers();
});

test("what is typed is kept in the browser at once, also while the server does not answer", async () => {
  vi.useFakeTimers();
  const kept: number[] = [];
  const outbox = { keep: ({ operations }: { operations: readonly unknown[] }) => Promise.resolve(void kept.push(operations.length)) };
  const api = { append: () => new Promise(() => undefined) };
  const events = { onEdit: () => undefined, onPlaces: () => undefined, onConflict: () => undefined, onMet: () => undefined, lengthOf: () => 0 };
  const journal = new Journal(api as unknown as StoriesApi, outbox as unknown as Outbox, events, { story: "s", version: 0, author: "me" });
  for (let n = 0; n < 3; n++) {
    journal.add({ kind: "edit", id: `op${String(n)}`, unit: `u${String(n)}`, branch: "main", changes: ChangeSet.of({ from: n, insert: "a" }, n), piece: "" });
    await vi.advanceTimersByTimeAsync(300);
  }
  expect(kept.at(-1)).toBe(3);
  journal.close();
  vi.useRealTimers();
});

test("a slow disk holds up nothing but itself: what is kept next is the newest, not what waited behind it", async () => {
  vi.useFakeTimers();
  const kept: number[] = [];
  const slow = { keep: async ({ operations }: { operations: readonly unknown[] }) => { await new Promise((done) => setTimeout(done, 800)); kept.push(operations.length); } };
  const api = { append: () => new Promise(() => undefined) };
  const events = { onEdit: () => undefined, onPlaces: () => undefined, onConflict: () => undefined, onMet: () => undefined, lengthOf: () => 0 };
  const journal = new Journal(api as unknown as StoriesApi, slow as unknown as Outbox, events, { story: "s", version: 0, author: "me" });
  for (let n = 0; n < 12; n++) {
    journal.add({ kind: "edit", id: `op${String(n)}`, unit: `u${String(n)}`, branch: "main", changes: ChangeSet.of({ from: n, insert: "a" }, n), piece: "" });
    await vi.advanceTimersByTimeAsync(260);
  }
  await vi.advanceTimersByTimeAsync(1600); // the write under way, and one more
  expect(kept.at(-1)).toBe(12);
  journal.close();
  vi.useRealTimers();
});

test("what others append while an answer is under way is taken in, also where it is heard before that answer", async () => {
  vi.useFakeTimers();
  const server = new Server();
  let text = "";
  let hear: (records: Recorded[]) => void = () => undefined;
  const write = (words: string): void => {
    const version = server.records.length + 1;
    const record = { kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: words }], id: words, unit: words, version, author: "other", time: 0, role: "do" };
    server.records = [...server.records, record as Recorded];
  };
  const api = {
    watch: (_story: string, _after: number, heard: { operations(records: Recorded[]): void }) => ((hear = heard.operations), () => undefined),
    operations: (_story: string, after: number) => Promise.resolve(server.records.filter(({ version }) => version > after)),
    append: async (_: string, base: number, author: string, sent: readonly Sent[]) => {
      const answer = server.append(base, author, sent);
      write("zero "); // on disk, and told, before the answer comes
      hear(server.records.slice(-1));
      await Promise.resolve();
      return answer;
    },
  };
  const events = { onEdit: (_branch: string, changes: ChangeSet) => (text = applied(text, changes)), onPlaces: () => undefined, onConflict: () => undefined, onMet: () => undefined, lengthOf: () => text.length };
  const journal = new Journal(api as unknown as StoriesApi, null, events, { story: "s", version: 0, author: "me" });
  journal.watch();
  text = "one ";
  journal.add({ kind: "edit", id: "op", unit: "u", branch: "main", changes: ChangeSet.of({ from: 0, insert: "one " }, 0), piece: "" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(text).toBe("zero one ");
  expect([server.text, journal.version, journal.isClean]).toEqual([text, 2, true]);
  // What comes before something that is heard, and was not heard itself, is read.
  write("b ");
  write("a ");
  hear(server.records.slice(-1));
  await vi.advanceTimersByTimeAsync(1000);
  expect([text, journal.version]).toEqual(["a b zero one ", 4]);
  journal.close();
  vi.useRealTimers();
});

test("a journal that was closed says nothing, and keeps what waits behind what others did", async () => {
  vi.useFakeTimers();
  const told: unknown[] = [];
  const kept: Waiting[] = [];
  let answer: (appended: Appended) => void = () => undefined;
  const outbox = { keep: (waiting: Waiting) => Promise.resolve(void kept.push(waiting)) };
  const api = { append: () => new Promise((resolve) => (answer = resolve)) };
  const tell = (...what: unknown[]): void => void told.push(what);
  const journal = new Journal(api as unknown as StoriesApi, outbox as unknown as Outbox, { onEdit: tell, onPlaces: tell, onConflict: tell, onMet: tell, lengthOf: () => 2 }, { story: "s", version: 0, author: "me" });
  const type = (id: string, at: number): void => journal.add({ kind: "edit", id, unit: id, branch: "main", changes: ChangeSet.of({ from: at, insert: id }, at), piece: "" });
  type("a", 0);
  await vi.advanceTimersByTimeAsync(300);
  type("b", 1);
  journal.close();
  const theirs = { id: "x", unit: "x", author: "other", time: 0, role: "do" };
  answer({
    version: 3,
    operations: [],
    since: [
      { ...theirs, version: 1, kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: "zero " }] },
      { ...theirs, version: 2, kind: "put", place: "memory", value: "Of the other." },
    ],
  });
  await vi.advanceTimersByTimeAsync(100);
  expect(told).toEqual([]);
  expect(kept.at(-1)).toMatchObject({ base: 3, operations: [{ id: "b", changes: [{ from: 6, to: 6, insert: "b" }] }] });
  vi.useRealTimers();
});

test("what was typed in a branch that is not shown moves behind what others did there", async () => {
  vi.useFakeTimers();
  const told: unknown[] = [];
  const sent: (readonly Sent[])[] = [];
  let hear: (records: Recorded[]) => void = () => undefined;
  const api = {
    watch: (_story: string, _after: number, heard: { operations(records: Recorded[]): void }) => ((hear = heard.operations), () => undefined),
    append: (_: string, _base: number, _author: string, all: readonly Sent[]) => Promise.resolve(void sent.push(all)).then(() => ({ version: 2, operations: [], since: [] })),
  };
  const journal = new Journal(api as unknown as StoriesApi, null, { onEdit: (branch) => told.push(branch), onPlaces: () => undefined, onConflict: () => undefined, onMet: () => undefined, lengthOf: () => -1 }, { story: "s", version: 0, author: "me" });
  journal.watch();
  journal.add({ kind: "edit", id: "a", unit: "a", branch: "left", changes: ChangeSet.of({ from: 4, insert: "!" }, 4), piece: "" });
  hear([{ kind: "edit", branch: "left", changes: [{ from: 0, to: 0, insert: "So " }], id: "x", unit: "x", version: 1, author: "other", time: 0, role: "do" } as Recorded]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toMatchObject([[{ changes: [{ from: 7, to: 7, insert: "!" }] }]]);
  expect(told).toEqual([]);
  journal.close();
  vi.useRealTimers();
});

/** What another one writes at the beginning of a text. */
const others = (version: number, insert: string): Recorded =>
  ({ kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert }], id: insert, unit: insert, version, author: "other", time: 0, role: "do" }) as Recorded;

interface Read {
  resolve(records: Recorded[]): void;
  reject(error: ApiError): void;
}

/** A journal that hears, reads and steps as the test says. */
function heard(): { journal: Journal; text: () => string; hear: (...records: Recorded[]) => void; reads: Read[]; steps: ((...operations: Recorded[]) => void)[] } {
  let text = "";
  let hear: (records: Recorded[]) => void = () => undefined;
  const reads: Read[] = [];
  const steps: ((...operations: Recorded[]) => void)[] = [];
  const api = {
    watch: (_story: string, _after: number, told: { operations(records: Recorded[]): void }) => ((hear = told.operations), () => undefined),
    operations: () => new Promise<Recorded[]>((resolve, reject) => reads.push({ resolve, reject })),
    step: () => new Promise((resolve) => steps.push((...operations) => resolve({ operations, hasMore: false }))),
  };
  const events = { onEdit: (_branch: string, changes: ChangeSet) => (text = applied(text, changes)), onPlaces: () => undefined, onConflict: () => undefined, onMet: () => undefined, lengthOf: () => text.length };
  const journal = new Journal(api as unknown as StoriesApi, null, events, { story: "s", version: 0, author: "me" });
  journal.watch();
  return { journal, text: () => text, hear: (...records) => hear(records), reads, steps };
}

test("a step waits for what is being read, and nothing is taken in twice", async () => {
  vi.useFakeTimers();
  const { journal, text, hear, reads, steps } = heard();
  hear(others(2, "b")); // 1 was not heard
  const step = journal.step("undo", "text/main");
  await vi.advanceTimersByTimeAsync(100);
  expect([reads.length, steps.length]).toEqual([1, 0]);
  reads[0]?.resolve([others(1, "a"), others(2, "b")]);
  await vi.advanceTimersByTimeAsync(100);
  steps[0]?.(others(4, "U")); // and 3 was not heard
  await vi.advanceTimersByTimeAsync(100);
  hear(others(5, "e"));
  reads[1]?.resolve([others(3, "c"), others(4, "U")]);
  expect(await step).toEqual({ isDone: true, hasMore: false });
  await vi.advanceTimersByTimeAsync(100);
  reads[2]?.resolve([others(4, "U"), others(5, "e")]); // one that is known
  await vi.advanceTimersByTimeAsync(100);
  expect([text(), journal.version, reads.length]).toEqual(["eUcba", 5, 3]);
  journal.close();
  vi.useRealTimers();
});

test("what is heard during a read is read after it, and a read that fails is tried again after a pause, until the story is closed", async () => {
  vi.useFakeTimers();
  const { journal, text, hear, reads } = heard();
  hear(others(2, "b"));
  hear(others(3, "c"));
  reads[0]?.resolve([others(1, "a"), others(2, "b")]);
  await vi.advanceTimersByTimeAsync(100);
  reads[1]?.reject(new ApiError("gone", ""));
  await vi.advanceTimersByTimeAsync(1000);
  expect([text(), reads.length]).toEqual(["ba", 2]);
  await vi.advanceTimersByTimeAsync(2000);
  reads[2]?.resolve([others(3, "c")]);
  await vi.advanceTimersByTimeAsync(3000);
  expect([text(), reads.length]).toEqual(["cba", 3]);
  hear(others(5, "e"));
  journal.close();
  reads[3]?.reject(new ApiError("gone", ""));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([text(), reads.length]).toEqual(["cba", 4]);
  vi.useRealTimers();
});

test("what the server will not tell is not asked for again", async () => {
  vi.useFakeTimers();
  const { journal, hear, reads } = heard();
  hear(others(2, "b"));
  reads[0]?.reject(new ApiError("not_found", "", 404));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(reads.length).toBe(1);
  journal.close();
  vi.useRealTimers();
});
