import { expect, test } from "vitest";

import { hitsOf, patternOf } from "./hits";
import { turnsOf } from "./turns";

const TEXT = "Rain.\nYou: The lamp, Gwen? (lamp)\nGwen: LAMPS burn.\nlamp\nYou: No.";
const TURNS = turnsOf(TEXT, "chat", { users: ["You"], others: ["Gwen"] });

function found(words: string, isExact = false, isWhole = false): (readonly [number, string])[] {
  const pattern = patternOf(words, isExact, isWhole);
  return pattern ? hitsOf(TEXT, TURNS, pattern).map(({ turn, from, to }) => [turn, TEXT.slice(from, to)] as const) : [];
}

test("words are found in what is said, in order", () => {
  expect(found("lamp")).toEqual([[1, "lamp"], [1, "lamp"], [2, "LAMP"], [2, "lamp"]]);
  expect(found("lamp", true)).toEqual([[1, "lamp"], [1, "lamp"], [2, "lamp"]]);
  expect(found("lamp", false, true)).toEqual([[1, "lamp"], [1, "lamp"], [2, "lamp"]]);
  expect(found("rain")).toEqual([[0, "Rain"]]);
  expect(found("")).toEqual([]);
});

test("names and marks of turns are not what is said", () => {
  expect(found("Gwen")).toEqual([[1, "Gwen"]]);
  expect(found("You")).toEqual([]);
  expect(found("Gwen:")).toEqual([]);
});

test("signs of patterns are signs", () => {
  expect(found("(lamp)")).toEqual([[1, "(lamp)"]]);
  expect(found("l.mp")).toEqual([]);
});
