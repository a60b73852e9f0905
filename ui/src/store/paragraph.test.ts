import { expect, test } from "vitest";

import { Paragraph } from "./paragraph";

const first = (...chunks: string[]): [string, boolean] => {
  const paragraph = new Paragraph();
  return [chunks.map((chunk) => paragraph.push(chunk)).join(""), paragraph.isWhole];
};

test("a paragraph ends at the first line break after a word", () => {
  expect(first(" She ran", ".\nHe", " stayed")).toEqual([" She ran.", true]);
  expect(first(" She ran.")).toEqual([" She ran.", false]);
});

test("line breaks before its first word are its own", () => {
  expect(first("\n\nShe ran.\n\nHe")).toEqual(["\n\nShe ran.", true]);
  expect(first("\n", " \n", "She", "\n")).toEqual(["\n \nShe", true]);
  expect(first("\n", "\n")).toEqual(["\n\n", false]);
});
