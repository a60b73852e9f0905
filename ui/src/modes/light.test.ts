import { expect, test } from "vitest";

import { blocksOf } from "./light";

const shown = (text: string): string[] =>
  blocksOf(text).flatMap((block) => (block.kind === "code" ? [`code:${block.text}`] : block.spans.map(({ text: words, style }) => (style === "plain" ? words : `${style}:${words}`))));

test("code, emphasis and headings are told apart", () => {
  expect(shown("# Depth\nIt is **very** deep, *they* say: `60`.\n- one\n- two")).toEqual([
    "heading:Depth", "\nIt is ", "strong:very", " deep, ", "em:they", " say: ", "code:60", ".\n- one\n- two",
  ]);
  expect(shown("Before\n\n```python\nprint(`x`)\n**no**\n```\nBehind")).toEqual(["Before", "code:print(`x`)\n**no**", "Behind"]);
});

test("a fence that is still being written is code", () => {
  expect(shown("So:\n```\na = 1")).toEqual(["So:", "code:a = 1"]);
  expect(shown("````\n```\n````")).toEqual(["code:```"]);
});

test("what is no Markdown stays as it is", () => {
  for (const text of ["2 * 3 * 4", "a**b", "** x **", "snake_case_name", "`open", "#1 of 2", "5*6*7", "*", "****"]) expect(shown(text)).toEqual([text]);
  expect(blocksOf("")).toEqual([]);
});

test("hostile texts take no time", () => {
  for (const part of ["**a", "*a", "`", "` ``", "**a **", "# ", "```\n", "*a* **"]) expect(blocksOf(part.repeat(20_000)).length).toBeGreaterThan(0);
});
