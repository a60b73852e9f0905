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
