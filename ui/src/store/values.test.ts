import { expect, test } from "vitest";

import { ApiError } from "../api/types";
import { briefly, speedOf, tokens } from "./figures";
import { wordsFor } from "./notices";
import { Sentences } from "./sentences";
import { clamp, DEFAULTS, NUMBERS, readSettings, stopSequences, toRequest } from "./settings";
import { spacing } from "./spacing";

test("stored settings that make no sense take their defaults or limits", () => {
  expect(readSettings(null)).toEqual(DEFAULTS);
  expect(readSettings("text")).toEqual(DEFAULTS);
  const read = readSettings({ temperature: 99, topK: "40", maxLength: 12.6, seed: null, stop: 7, minP: NaN });
  expect(read).toEqual({ ...DEFAULTS, temperature: 5, maxLength: 13 });
});

test("every number has a rule that its default keeps", () => {
  const keys = Object.keys(DEFAULTS).filter((key) => key !== "stop");
  expect(NUMBERS.map(({ key }) => key).sort()).toEqual(keys.sort());
  for (const rule of NUMBERS) expect(clamp(rule, DEFAULTS[rule.key])).toBe(DEFAULTS[rule.key]);
});

test("stop sequences are lines, in which \\n is a line end", () => {
  expect(stopSequences("")).toEqual([]);
  expect(stopSequences("\\nYou:\n\n###\n ")).toEqual(["\nYou:", "###", " "]);
});

test("a request has Kobold's names; an unknown context is left to the server", () => {
  const story = { prompt: "Once", memory: "A mine.", genkey: "k" };
  const request = toRequest({ ...DEFAULTS, stop: "END" }, { ...story, context: null });
  expect(request).toMatchObject({ prompt: "Once", memory: "A mine.\n", stop_sequence: ["END"], sampler_seed: -1 });
  expect(request).not.toHaveProperty("max_context_length");
  expect(request.replace_instruct_placeholders).toBe(false);
  expect(toRequest(DEFAULTS, { ...story, context: 4096 }).max_context_length).toBe(4096);
});

test("what the page calls 0 is said in Kobold's words", () => {
  const story = { prompt: "Once", memory: "", genkey: "k", context: null };
  const rule = NUMBERS.find(({ key }) => key === "seed");
  const zero = toRequest({ ...DEFAULTS, repetitionRange: 0, seed: 0 }, story);
  expect(zero.rep_pen_range).toBeGreaterThan(1e9);
  expect(zero.sampler_seed).toBeGreaterThan(rule?.max ?? Infinity);
  expect(toRequest({ ...DEFAULTS, repetitionRange: 0, seed: 0 }, story)).toEqual(zero);
  const other = toRequest({ ...DEFAULTS, repetitionRange: 64, seed: 7 }, story);
  expect([other.rep_pen_range, other.sampler_seed]).toEqual([64, 7]);
});

test("the first token has no speed, and one is not many", () => {
  expect(speedOf({ completionTokens: 1, decodeSeconds: 0.00006 })).toBeNull();
  expect(speedOf({ completionTokens: 11, decodeSeconds: 2 })).toBe(5);
  expect([0, 1, 2].map(tokens)).toEqual(["0 tokens", "1 token", "2 tokens"]);
});

test("of a CPU's flags one is shown", () => {
  expect(briefly("CPU: AVX2, FMA, AVX512, AVX512_VNNI; Coblyn's own products: AVX-512 VNNI")).toBe("CPU, AVX-512");
  expect(briefly("CPU: AVX2, FMA")).toBe("CPU, AVX2");
  expect(briefly("CPU: NEON, DOTPROD")).toBe("CPU, NEON");
  expect(briefly("CPU: SSE42")).toBe("CPU");
  expect(briefly("CPU, without vector instructions")).toBe("CPU, without vector instructions");
  expect(briefly("CUDA0: GeForce; 20 of 31 layers")).toBe("CUDA0: GeForce; 20 of 31 layers");
});

test("a space at the end is not sent, and not doubled", () => {
  const { prompt, fit } = spacing("The dog ");
  expect(prompt).toBe("The dog");
  expect(["", " barked", " loudly"].map(fit)).toEqual(["", "barked", " loudly"]);
  const other = spacing("The dog ");
  expect([",", " who"].map(other.fit)).toEqual([",", " who"]);
});

test("spaces that may be meant are left alone", () => {
  for (const story of ["", "  ", "Line\n  ", "The dog", "The dog\n"]) {
    const { prompt, fit } = spacing(story);
    expect(prompt).toBe(story);
    expect(fit(" x")).toBe(" x");
  }
});

test("errors become words that say what to do", () => {
  expect(wordsFor(new ApiError("gone", "Failed to fetch")).advice).toContain("coblyn serve");
  expect(wordsFor(new ApiError("cut", "")).advice).toContain("What had arrived is kept");
  expect(wordsFor(new ApiError("service_unavailable", "9 requests wait, the limit is 8. Try again in a moment.", 503))).toEqual({
    title: "9 requests wait, the limit is 8.",
    advice: "Try again in a moment. Your text is safe.",
  });
  expect(wordsFor(new ApiError("server_error", "The engine restarted: signal 6.\nSend it again."))).toEqual({
    title: "The engine restarted: signal 6.",
    advice: "Send it again. Your text is safe.",
  });
  expect(wordsFor(new ApiError("bad_input", "min_p must be between 0 and 1.", 400)).title).toContain("min_p");
  expect(wordsFor(new ApiError("unknown", "", 503)).title).toContain("busy");
  expect(wordsFor(new ApiError("unknown", "", 500)).title).toContain("500");
  expect(wordsFor(new ApiError("unauthorized", "Key missing.", 401)).title).toContain("key");
  expect(wordsFor(new Error("oops")).advice).toContain("oops");
});

test("a stream is heard by sentence, however it is cut", () => {
  const text = "She stopped. “Who is there?” Nobody… 3.14 knocks!\nAnd then";
  const whole = new Sentences();
  expect([whole.push(text), whole.end(), whole.end()]).toEqual([
    "She stopped. “Who is there?” Nobody… 3.14 knocks!",
    "And then",
    "",
  ]);
  const cut = new Sentences();
  expect(Array.from(text, (letter) => cut.push(letter)).filter((heard) => heard !== "")).toEqual([
    "She stopped.",
    "“Who is there?”",
    "Nobody…",
    "3.14 knocks!",
  ]);
  expect(cut.end()).toBe("And then");
});
