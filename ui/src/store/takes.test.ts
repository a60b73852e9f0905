import { expect, test } from "vitest";

import type { Api } from "../api/client";
import type { GenerateRequest } from "../api/types";
import { sentencesOf } from "../editor/sentences";
import type { RunningTake } from "./runningtakes";
import { type Order, type Take, Takes, tokensOf } from "./takes.svelte";

test("takes are kept from their first words on, and at their end", async () => {
  let goOn: () => void = () => undefined;
  async function* generate(): AsyncGenerator<object> {
    yield { kind: "text", text: "The" };
    await new Promise<void>((resolve) => (goOn = resolve));
    yield { kind: "text", text: " lamp" };
    throw new Error("gone");
  }
  const takes = new Takes({ generate } as unknown as Api);
  const kept: string[] = [];
  const made: unknown[] = [];
  const keep = ({ text }: Take): void => void kept.push(text);
  const done = takes.write({ sampler_seed: 7 } as unknown as GenerateRequest, 1, {
    fit: () => (chunk) => chunk,
    keep,
    made: (take, seed, stats) => void made.push([take.text, seed, stats]),
    running: () => undefined,
    onLink: () => undefined,
  });
  await new Promise((resolve) => setTimeout(resolve));
  expect(kept).toEqual(["The"]);
  goOn();
  await done;
  expect(kept.at(-1)).toBe("The lamp");
  expect(made).toEqual([["The lamp", 7, null]]);
  expect(takes.list?.[0]).toMatchObject({ text: "The lamp", failure: "gone", isWriting: false });
});

test.each(["by the writer", "by those"])("takes that were put away %s say nothing of those that came after", async (how) => {
  const ends: (() => void)[] = [];
  async function* generate(): AsyncGenerator<object> {
    yield { kind: "begun", stream: `stream ${String(ends.length)}`, seed: 1 };
    await new Promise<void>((resolve) => ends.push(resolve));
  }
  const takes = new Takes({ generate, abort: () => Promise.resolve() } as unknown as Api);
  const told: [string, string[]][] = [];
  const orderOf = (name: string): Order => ({
    fit: () => (chunk) => chunk,
    keep: () => undefined,
    made: () => undefined,
    running: (now: readonly RunningTake[]) => void told.push([name, now.map(({ stream }) => stream)]),
    onLink: () => undefined,
  });
  const write = async (name: string): Promise<void> => {
    void takes.write({ sampler_seed: 7 } as unknown as GenerateRequest, 1, orderOf(name));
    await new Promise((resolve) => setTimeout(resolve));
  };
  await write("first");
  if (how === "by the writer") takes.close();
  await write("second");
  ends[0]?.(); // only now has the server ended it
  await new Promise((resolve) => setTimeout(resolve));
  expect(told).toEqual([["first", ["stream 0"]], ["first", []], ["second", ["stream 1"]]]);
});

test("empty lines are no sentences: what is marked is what is used", () => {
  const text = "\n\nThe lamp went out. “Sixty,” she said.\n\nThen knocks.\n";
  expect(sentencesOf(text).join("")).toBe(text);
  expect(sentencesOf(text)).toHaveLength(sentencesOf(text.trimStart()).length);
  expect(sentencesOf(text)[0]?.trim()).toBe("The lamp went out.");
});

test("a sentence of a take has its own tokens", () => {
  const tokens = [" She", " fell.", " She", " rose.", "\n"].map((text) => ({ text, logprob: -1, top: [] }));
  const texts = (words: string): string[] => tokensOf(words, tokens).map(({ text }) => text);
  expect(texts("She fell. She rose.\n")).toEqual([" She", " fell.", " She", " rose."]);
  expect(texts("She rose.")).toEqual([" She", " rose."]);
  expect(texts("She sang.")).toEqual([]);
});
