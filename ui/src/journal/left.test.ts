import { expect, test } from "vitest";

import type { Appended, Change, Sent } from "../api/stories";
import { ApiError } from "../api/types";
import { sendLeft, wordsOf } from "./left";
import type { Waiting } from "./outbox";

const edit = (...changes: Change[]): Sent => ({ kind: "edit", branch: "main", changes, id: "a", unit: "a" });
const typed = (from: number, insert: string, to = from): Change => ({ from, to, insert });

test("what was typed behind each other is one stretch, and what was rubbed out is not in it", () => {
  expect(wordsOf([edit(typed(5, "one ")), edit(typed(9, "twp")), edit(typed(11, "", 12)), edit(typed(11, "o"))])).toBe("one two");
  expect(wordsOf([edit(typed(90, "there")), edit(typed(2, "here"))])).toBe("there\nhere");
  expect(wordsOf([{ kind: "put", place: "title", value: "x", id: "a", unit: "a" }, edit(typed(0, "", 4))])).toBe("");
});

test("what the server takes is gone from the browser, what it will never take is told, the rest waits", async () => {
  const left: Waiting[] = ["here", "gone", "met", "away", "done"].map((story) => ({ story, author: "tab", base: 1, operations: [edit(typed(0, story))] }));
  const refusals: Record<string, ApiError> = { gone: new ApiError("story_not_found", "", 404), met: new ApiError("conflict", "", 409), away: new ApiError("gone", ""), done: new ApiError("already_done", "", 409) };
  const kept: Waiting[] = [];
  const outbox = { all: () => Promise.resolve(left), keep: (one: Waiting) => Promise.resolve(void kept.push(one)) };
  const append = (story: string): Promise<Appended> => {
    const refusal = refusals[story];
    return refusal ? Promise.reject(refusal) : Promise.resolve({ version: 2, operations: [], since: [] });
  };
  expect((await sendLeft({ append }, outbox)).map(({ story }) => story)).toEqual(["gone", "met"]);
  expect(kept.map(({ story, operations }) => [story, operations])).toEqual([["here", []], ["done", []]]);
});

test("what a page that is open has not sent is left to it, and sent once it is gone", async () => {
  const [here, there] = [[edit(typed(0, "here"))], [edit(typed(0, "there"))]];
  let left: Waiting[] = [{ story: "s", author: "gone", base: 1, operations: here }, { story: "s", author: "open", base: 1, operations: there }];
  const sent: string[] = [];
  let leave: () => Promise<void> = () => Promise.resolve();
  const outbox = { all: () => Promise.resolve(left), keep: (one: Waiting) => Promise.resolve(void (left = left.filter(({ author }) => author !== one.author))) };
  const append = (_story: string, _base: number, author: string, operations: readonly Sent[]): Promise<Appended> => {
    sent.push(`${author}: ${wordsOf(operations)}`);
    return Promise.resolve({ version: 2, operations: [], since: [] });
  };
  const once = (author: string, act: () => Promise<void>): Promise<void> => (author === "gone" ? act() : new Promise((resolve) => (leave = () => act().then(resolve))));
  expect(await sendLeft({ append }, outbox, once)).toEqual([]);
  expect(sent).toEqual(["gone: here"]);
  left = left.map((one) => ({ ...one, operations: [edit(typed(0, "there and on"))] }));
  await leave();
  expect(sent).toEqual(["gone: here", "open: there and on"]);
  expect(left).toEqual([]);
});

test("what is more than the server takes at once goes in parts, each behind what others did", async () => {
  const number = 2500;
  // Typed at the end of "Then.", before which somebody else puts "Now. " before the first part and "So. " before the second.
  const operations = Array.from({ length: number }, (_, index): Sent => ({ ...edit(typed(5 + index, "x")), id: `op${String(index)}` }));
  const others = [typed(0, "Now. "), typed(0, "So. ")];
  const server = { text: "Then.", version: 7 };
  const batches: [base: number, size: number][] = [];
  const apply = ({ from, to, insert }: Change): void => {
    server.text = server.text.slice(0, from) + insert + server.text.slice(to);
    server.version += 1;
  };
  let shift = 0;
  const append = (_story: string, base: number, _author: string, sent: readonly Sent[]): Promise<Appended> => {
    batches.push([base, sent.length]);
    if (sent.length > 2000) return Promise.reject(new ApiError("bad_request", "", 400));
    const theirs = others.shift();
    if (theirs) apply(theirs);
    shift = theirs?.insert.length ?? 0;
    const since = theirs ? [{ kind: "edit", branch: "main", changes: [theirs], id: `their${String(server.version)}`, version: server.version }] : [];
    for (const one of sent) if (one.kind === "edit") one.changes.forEach((change) => apply({ ...change, from: change.from + shift, to: change.to + shift }));
    return Promise.resolve({ version: server.version, operations: [], since } as unknown as Appended);
  };
  let left: Waiting[] = [{ story: "s", author: "tab", base: 7, operations }];
  const outbox = { all: () => Promise.resolve(left), keep: (one: Waiting) => Promise.resolve(void (left = one.operations.length > 0 ? [one] : [])) };
  expect(await sendLeft({ append }, outbox)).toEqual([]);
  expect(left).toEqual([]);
  expect(batches).toEqual([[7, 1000], [1008, 1000], [2009, 500]]);
  expect(server.text).toBe(`So. Now. Then.${"x".repeat(number)}`);
});

test("of parts that are done already only the rest is sent, and only what is refused is told", async () => {
  const operations = Array.from({ length: 2500 }, (_, index): Sent => ({ ...edit(typed(index, "x")), id: `op${String(index)}` }));
  const kept: number[] = [];
  const outbox = { all: () => Promise.resolve([{ story: "s", author: "tab", base: 0, operations }]), keep: (one: Waiting) => Promise.resolve(void kept.push(one.operations.length)) };
  const answers = [new ApiError("already_done", "", 409), new ApiError("already_done", "", 409), new ApiError("too_far_behind", "", 409)];
  const append = (): Promise<Appended> => Promise.reject(answers.shift() ?? new ApiError("gone", ""));
  const [told] = await sendLeft({ append }, outbox);
  expect(kept).toEqual([1500, 500]);
  expect(told?.operations.map(({ id }) => id)).toEqual(operations.slice(2000).map(({ id }) => id));
});

test("a page does not begin between two parts, however slowly the server takes them", async () => {
  const operations = Array.from({ length: 2500 }, (_, index): Sent => ({ ...edit(typed(index, "x")), id: `op${String(index)}` }));
  let left: Waiting = { story: "s", author: "tab", base: 0, operations };
  const outbox = { all: () => Promise.resolve([left]), keep: (one: Waiting) => Promise.resolve(void (left = one)) };
  const append = async (_story: string, base: number, _author: string, part: readonly Sent[]): Promise<Appended> => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { version: base + part.length, operations: [], since: [] };
  };
  expect(await sendLeft({ append }, outbox)).toEqual([]);
  expect(left.operations).toEqual([]);
});
