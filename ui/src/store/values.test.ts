import { expect, test } from "vitest";

import { ApiError, type Parameter } from "../api/types";
import { en } from "../words/en";
import { choose, LANGUAGES } from "../words/words.svelte";
import { zh } from "../words/zh";
import { briefly, speedOf } from "./figures";
import { wordsFor } from "./notices";
import { Sentences } from "../editor/sentences";
import { DEFAULTS, readSettings, ruleOf, SEED, textsOf, toRequest, valueOf, withValue } from "./settings";
import { spacing } from "./spacing";

const row = (name: string, called: string, change: Partial<Parameter> = {}): Parameter => ({
  name,
  names: [called],
  type: "float",
  default: 1,
  min: 0,
  max: 10,
  off: null,
  meaning: "",
  source: "",
  ...change,
});
const TABLE = [row("temperature", "temperature"), row("typical_p", "typical"), row("top_k", "top_k", { type: "int", max: 1000 })];

test("stored settings that make no sense take their defaults or limits", () => {
  expect(readSettings(null)).toEqual(DEFAULTS);
  expect(readSettings("text")).toEqual(DEFAULTS);
  const read = readSettings({ maxLength: 12.6, seed: null, stop: 7, values: { top_p: 0.5, min_p: "x", top_k: NaN } });
  expect(read).toEqual({ ...DEFAULTS, maxLength: 13, values: { top_p: 0.5 } });
});

test("a number that is back where it started is no choice any more", () => {
  const rule = ruleOf(row("typical_p", "typical"));
  const chosen = withValue(DEFAULTS, rule, 0.5);
  expect([valueOf(DEFAULTS, rule), valueOf(chosen, rule)]).toEqual([1, 0.5]);
  expect(withValue(chosen, rule, 1)).toEqual(DEFAULTS);
});

test("stop sequences are lines, in which \\n is a line end", () => {
  expect(textsOf("")).toEqual([]);
  expect(textsOf("\\nYou:\n\n###\n ")).toEqual(["\nYou:", "###", " "]);
});

test("a request has Kobold's names", () => {
  const request = toRequest({ ...DEFAULTS, stop: "END" }, TABLE, "Once", "k");
  expect(request).toMatchObject({ prompt: "Once", genkey: "k", stop_sequence: ["END"], sampler_seed: -1 });
  expect(request.replace_instruct_placeholders).toBe(false);
  expect(request).not.toHaveProperty("banned_strings");
  expect(toRequest({ ...DEFAULTS, banned: "a testament to\n\nbarely above" }, TABLE, "", "k").banned_strings).toEqual(["a testament to", "barely above"]);
});

test("samplers go by their names in the table, held to its limits; what nobody chose is the server's affair", () => {
  const settings = { ...DEFAULTS, values: { temperature: 99, top_k: 7.4, unknown: 3 } };
  const request = toRequest(settings, TABLE, "Once", "k");
  expect([request.temperature, request.top_k]).toEqual([10, 7]);
  expect(request).not.toHaveProperty("typical");
  expect(request).not.toHaveProperty("unknown");
});

test("a seed of 0 is one that Kobold's API does not take for another one each time", () => {
  expect(toRequest({ ...DEFAULTS, seed: 0 }, TABLE, "Once", "k").sampler_seed).toBeGreaterThan(SEED.max);
  expect(toRequest({ ...DEFAULTS, seed: 7 }, TABLE, "Once", "k").sampler_seed).toBe(7);
});

test("the first token has no speed, and one is not many", () => {
  expect(speedOf({ completionTokens: 1, decodeSeconds: 0.00006 })).toBeNull();
  expect(speedOf({ completionTokens: 11, decodeSeconds: 2 })).toBe(5);
  expect([0, 1, 2].map(en.tokens)).toEqual(["0 tokens", "1 token", "2 tokens"]);
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
  expect(wordsFor(new ApiError("engine_restarted", "The engine restarted while it worked on this request: signal 6. Send it again.", 500))).toEqual({
    title: "The engine stopped while it wrote: signal 6.",
    advice: "",
    isOfEngine: true,
  });
  const waits = { topic: "generation", ...wordsFor(new ApiError("disk_full", "")) };
  expect([waits.topic, waits.title]).toEqual(["unsaved", "The model writes on once your words can be saved."]); // until they are
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

test("both languages have the same words, none of them empty or left in English", () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  for (const [key, english] of Object.entries(en)) {
    const chinese: unknown = zh[key as keyof typeof zh];
    expect(typeof chinese, key).toBe(typeof english);
    if (typeof chinese === "string" && key !== "locale") expect(chinese, key).toMatch(/\p{Script=Han}/u);
  }
  expect(Object.keys(LANGUAGES)).toEqual(["en", "zh"]);
});

test("the browser's languages choose the page's, in their order", () => {
  expect(choose(["zh-CN", "en"])).toBe("zh");
  expect(choose(["cy-GB", "en-GB", "zh"])).toBe("en");
  expect(choose(["cy"])).toBe("en");
});
