import { expect, test } from "vitest";

import { headingsOf } from "./finds";

test("headings are lines that begin with number signs and a space", () => {
  const text = "# One\nRain.\n\n##  Two \n#three\n a # four\n####### five\n";
  expect(headingsOf(text)).toEqual([
    { title: "One", at: 0 },
    { title: "Two", at: 13 },
  ]);
});
