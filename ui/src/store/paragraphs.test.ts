import { expect, test } from "vitest";

import { breaksOf, hasLong } from "./paragraphs";

const split = (text: string): string => breaksOf(text).reduceRight((made, { from, to, insert }) => made.slice(0, from) + insert + made.slice(to), text);

test("only a paragraph over 20,000 characters is long, however long the text is", () => {
  expect(hasLong("a".repeat(20_000))).toBe(false);
  expect(hasLong("a".repeat(20_001))).toBe(true);
  expect(hasLong(`${"a".repeat(15_000)}\n`.repeat(3))).toBe(false);
});

test("a long paragraph becomes many of whole sentences, and the others stay as they are", () => {
  const line = "She counted the rungs on the way down. ".repeat(600).trimEnd();
  const made = split(`Before.  It stays.\n${line}\nAfter.`);
  const paragraphs = made.split("\n");
  expect(paragraphs[0]).toBe("Before.  It stays.");
  expect(paragraphs.at(-1)).toBe("After.");
  const own = paragraphs.slice(1, -1).filter((paragraph) => paragraph !== "");
  expect(own.length).toBeGreaterThan(30);
  for (const paragraph of own) {
    expect(paragraph).toMatch(/^She.*down\.$/);
    expect(paragraph.length).toBeLessThan(700);
  }
  expect(own.join(" ")).toBe(line);
});

test("Chinese sentences, which no space follows, lose nothing", () => {
  const line = "河水结冰的那一年，山谷里的人继续在地下干活。".repeat(1000);
  const made = split(line).split("\n\n");
  expect(made.length).toBeGreaterThan(30);
  expect(made.every((paragraph) => paragraph.endsWith("。"))).toBe(true);
  expect(made.join("")).toBe(line);
});

test("what has no sentences is left alone", () => {
  expect(breaksOf("a".repeat(30_000))).toEqual([]);
});
