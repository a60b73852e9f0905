import source from "@codemirror/search?raw";
import { expect, test } from "vitest";

import { zh } from "./zh";

test("all that the editor's search says has words in Chinese", () => {
  const said = [...source.matchAll(/phrase\((?:view, )?"([^"]+)"/g)].map(([, words]) => words ?? "");
  expect(said.length).toBeGreaterThan(10);
  expect(said.filter((words) => !zh.editor[words])).toEqual([]);
});
