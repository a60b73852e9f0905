import { expect, test } from "vitest";

import { matching } from "./commands";
import { headingsOf, isNamed, namedLike, titleIn } from "./finds";
import { NOTHING } from "./places";

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

test("fields of an entry are offered once a part of its name is typed", () => {
  expect(["lamp", "keys lamp", "The La"].map((query) => isNamed("The Lamp", query))).toEqual([true, true, true]);
  expect(["keys", " ", ""].map((query) => isNamed("The Lamp", query))).toEqual([false, false, false]);
});

test("of many entries as many are offered as are listed, those first whose names hold what is typed", () => {
  const lore = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`e${String(at)}`, { comment: at === 19_999 ? "Old lamp" : `Lamp of old ${String(at)}` }]));
  const found = (query: string): string[] => namedLike(query, { ...NOTHING, lore }, "lore: text: keys");
  expect(found("old lamp")).toHaveLength(60);
  expect(found("old lamp")[0]).toBe("e19999");
  expect(found("lore: rope keys")).toEqual([]);
  expect(found("lore: lamp 19998 keys")).toEqual(["e19998"]);
  expect(found("keys")).toHaveLength(60);
  expect(found("rope")).toEqual([]);
});

test("all words of a query are found in any order, and those of other programs after the page's own", () => {
  const named = (label: string, id = label) => ({ id, label, run: () => undefined });
  const commands = [named("Story: Memory"), named("Stop", "stop"), named("Story: Author’s note"), named("Lore: The Lamp: Keys"), named("Abort the trip"), named("Keys")];
  const found = (query: string): string[] => matching(commands, query).map(({ label }) => label);
  expect(found("keys lamp")).toEqual(["Lore: The Lamp: Keys"]);
  expect(found("keys")).toEqual(["Keys", "Lore: The Lamp: Keys"]);
  expect(found("abort")).toEqual(["Abort the trip", "Stop"]);
  expect(found("author's")).toEqual(["Story: Author’s note"]);
  expect(found("lamp rope")).toEqual([]);
});
