import { expect, test } from "vitest";

import { entriesWith, keysIn, keysOf, splitKeys, withKeys } from "./entries";
import { NOTHING } from "./places";

test("keys end at commas, and patterns keep their own", () => {
  expect(keysOf(" lamp, /wick,\\/oil/i , brass lamp,,")).toEqual(["lamp", "/wick,\\/oil/i", "brass lamp"]);
  expect(splitKeys("lamp")).toEqual({ done: [], rest: "lamp" });
  expect(splitKeys("lamp, wi")).toEqual({ done: ["lamp"], rest: "wi" });
  expect(splitKeys("/wick,")).toEqual({ done: [], rest: "/wick," });
  expect(splitKeys("/wick,oil/i,")).toEqual({ done: ["/wick,oil/i"], rest: "" });
  expect(splitKeys("lamp, /wick,o")).toEqual({ done: ["lamp"], rest: "/wick,o" });
  expect(splitKeys("a,b,c,")).toEqual({ done: ["a", "b", "c"], rest: "" });
  expect(splitKeys(",")).toEqual({ done: [], rest: "" });
});

test("of what an entry holds in place of keys only texts are shown, each once", () => {
  expect(keysIn(["lamp", 3, "lamp", "Smith, John"])).toEqual(["lamp", "Smith, John"]);
  expect(keysIn("lamp")).toEqual([]);
});

test("keys come in place of the one that was edited, wherever that stands by then", () => {
  expect(withKeys(["lamp", "oil"], ["wick", "oil", "wick"])).toEqual(["lamp", "oil", "wick"]);
  expect(withKeys(["lamp", "oil", "gas"], ["wick", "tallow"], "oil")).toEqual(["lamp", "wick", "tallow", "gas"]);
  expect(withKeys(["oil", "gas"], ["wick"], "gas")).toEqual(["oil", "wick"]);
  expect(withKeys(["new", "oil", "gas"], ["wick"], "oil")).toEqual(["new", "wick", "gas"]);
  expect(withKeys(["lamp", "gas"], ["wick"], "oil")).toEqual(["lamp", "gas", "wick"]);
  expect(withKeys(["lamp", "oil"], [], "oil")).toEqual(["lamp"]);
  expect(withKeys(["lamp", "oil"], ["lamp"], "oil")).toEqual(["lamp"]);
});

test("entries are found by all that a writer knows of them", () => {
  const lore = {
    a: { comment: "Rain", key: ["wet"], content: "It falls.", group: "Weather, sky" },
    b: { comment: "Pit", key: ["shaft"], keysecondary: ["dream"], content: "Deep.", characterFilter: { names: ["Gwen"] } },
    c: { comment: "Odd", key: 3, content: null, group: 7, characterFilter: { names: "Gwen" } },
  };
  const found = (query: string): string[] => entriesWith(query, { places: { ...NOTHING, lore } });
  expect(["rain", "WET", "falls", "weather", "sky"].map(found)).toEqual([["a"], ["a"], ["a"], ["a"], ["a"]]);
  expect(["dream", "gwen"].map(found)).toEqual([["b"], ["b"]]);
  expect(found("nothing")).toEqual([]);
  expect(found(" ")).toEqual(["a", "b", "c"]);
});
