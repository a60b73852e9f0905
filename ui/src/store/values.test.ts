import { expect, test } from "vitest";

import { ApiError } from "../api/types";
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
