import { expect, test } from "vitest";

import { gather } from "./frames";

test("all that comes within a frame is handed over at once", () => {
  const frames: (() => void)[] = [];
  const applied: string[] = [];
  const gatherer = gather(
    (text) => applied.push(text),
    (later) => frames.push(later),
  );
  gatherer.push("a");
  gatherer.push("b");
  expect(applied).toEqual([]);
  expect(frames).toHaveLength(1);
  frames.shift()?.();
  expect(applied).toEqual(["ab"]);

  gatherer.push("c");
  gatherer.flush();
  expect(applied).toEqual(["ab", "c"]);
  frames.shift()?.();
  expect(applied).toEqual(["ab", "c"]);
});
