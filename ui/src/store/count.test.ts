import { expect, test } from "vitest";

import { endOf, numWords, plainly, startOf } from "./count";

test("words are counted, and signs where there are no spaces", () => {
  expect(numWords("")).toBe(0);
  expect(numWords("  She lit\nthe lamp. ")).toBe(4);
  expect(numWords("灯灭了")).toBe(3);
  expect(numWords("她点亮 Lamp，走了")).toBe(6);
});

test("the end of a text begins with a word", () => {
  expect(endOf("short", 10)).toBe("short");
  expect(endOf("She lit the lamp and went down.", 16)).toBe("…and went down.");
  expect(endOf("河水封冻的那一年", 4)).toBe("…的那一年");
});

test("a preview has no marks", () => {
  expect(plainly("{{[INPUT]}} How deep? {{[OUTPUT]}} <think>Hm.</think> Sixty.")).toBe("How deep? Hm. Sixty.");
});

test("the beginning of a text ends with a word, and says that it goes on", () => {
  expect(startOf("She fell.", 20)).toBe("She fell.");
  expect(startOf("The lamp went out on the third level", 19)).toBe("The lamp went out…");
  expect(startOf("她".repeat(30), 10)).toBe(`${"她".repeat(10)}…`);
});
