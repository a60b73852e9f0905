import { expect, test } from "vitest";

import type { Receipt } from "./receipt";
import { restOf, type Running, wordsSoFar } from "./running";

const running = { piece: "p1", receipt: { opening: "She" } as Receipt } as Running;

test("of a stream that is read again only what is new goes into the text", () => {
  const rest = restOf("lamp went", { isConversation: false, tail: "The " });
  expect([" la", "mp", " went o", "ut."].map(rest)).toEqual(["", "", " o", "ut."]);
});

test("words that were changed meanwhile end it", () => {
  const rest = restOf("lamp wen", { isConversation: true, tail: "" });
  expect(["la", "mb"].map(rest)).toEqual(["", null]);
});

test("what stood in a piece before its stream was not brought by it", () => {
  expect(wordsSoFar("One. She rose. Mine. And sang.", [[5, ""], [9, "p1"], [6, ""], [10, "p1"]], running)).toBe(" rose. And sang.");
});
