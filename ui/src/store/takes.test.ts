import { expect, test } from "vitest";

import type { Api } from "../api/client";
import type { GenerateRequest } from "../api/types";
import { sentencesOf } from "../editor/sentences";
import { type Take, Takes, tokensOf } from "./takes.svelte";

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
