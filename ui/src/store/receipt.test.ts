import { expect, test } from "vitest";

import type { Context, GenerateRequest, Stats } from "../api/types";
import { type Begun, digestOf, readReceipt, receiptOf, seeded } from "./receipt";
import { DEFAULTS } from "./settings";

const request = (change: Partial<GenerateRequest> = {}): GenerateRequest => ({
  prompt: "A lamp.",
  max_length: 9,
  sampler_seed: 7,
  stop_sequence: [],
  trim_stop: true,
  replace_instruct_placeholders: false,
  genkey: "a",
  ...change,
});
const sent = { lore: { fired: [{ id: "a", name: "The Lamp" }, { id: "b" }], silent: [] } } as unknown as Context;
const begun: Begun = { model: "SmolLM2", settings: DEFAULTS, opening: "", keepsOn: false, timers: null };

test("a seed is drawn before it is sent, but not where drafts pay", () => {
  const drawn = new Set(Array.from({ length: 9 }, () => seeded(DEFAULTS, "story").seed));
  expect(drawn.size).toBe(9);
  for (const seed of drawn) expect(seed).toBeGreaterThan(0);
  expect(seeded({ ...DEFAULTS, seed: 7 }, "").seed).toBe(7);
  expect(seeded(DEFAULTS, "assistant").seed).toBe(-1);
});

test("a receipt has the seed that the server drew, else the one that was sent", () => {
  const stats: Stats = { promptTokens: 3, cachedTokens: 0, completionTokens: 2, prefillSeconds: 1, decodeSeconds: 1, seed: 4294967295 };
  expect(receiptOf(begun, sent, request({ sampler_seed: -1 }), stats).settings.seed).toBe(4294967295);
  expect(receiptOf(begun, sent, request(), null).settings.seed).toBe(7);
  const kept = receiptOf(begun, sent, request(), stats);
  expect(readReceipt(JSON.parse(JSON.stringify(kept)) as Record<string, unknown>)).toEqual(kept);
  expect(readReceipt({})).toBe(null);
  expect(readReceipt({ settings: { seed: -1 } })).toMatchObject({ digest: "", lore: [], stats: null });
  expect(kept.lore).toEqual(["The Lamp", "b"]);
});

test("requests of one digest differ in nothing that changes the words", () => {
  const digest = digestOf(request());
  expect(digest).toMatch(/^[0-9a-f]{16}$/);
  expect(digestOf({ ...request({ genkey: "b", sampler_seed: 9 }), logprobs: 6 })).toBe(digest);
  expect(digestOf(request({ prompt: "A lamp?" }))).not.toBe(digest);
  expect(digestOf(request({ temperature: 0.5 }))).not.toBe(digest);
});
