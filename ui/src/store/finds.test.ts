import { expect, test } from "vitest";

import { headingsOf, titleIn } from "./finds";

test("headings are lines that begin with number signs and a space", () => {
  const text = "# One\nRain.\n\n##  Two \n#three\n a # four\n####### five\n";
  expect(headingsOf(text)).toEqual([
    { title: "One", at: 0 },
    { title: "Two", at: 13 },
  ]);
});

test("a title is looked for with the word before it, and without", () => {
  expect(["heron", " Story: heron ", "story:", "sto", ""].map(titleIn)).toEqual(["heron", "heron", "", "", ""]);
});
