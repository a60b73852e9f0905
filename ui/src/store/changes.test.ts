import { expect, test } from "vitest";

import type { Segment } from "../api/types";
import { changesOf, kindsOf } from "./changes";

const segment = (kind: Segment["kind"], text: string, id: string = kind): Segment => ({ kind, id, text, tokens: text.length });
const told = (now: Segment[], last: Segment[]): string[] =>
  changesOf(now, last).map(({ kind, segment: { id }, isBreak }) => `${kind} ${id}${isBreak ? " !" : ""}`);

const memory = segment("memory", "A mine.");
const lamp = segment("lore", "It knocks.", "lamp");
const story = segment("story", "One.\nTwo.\n", "main");
const note = segment("note", "[Dark.]");
const end = segment("story", "Three.", "main");

test("text that grew at the end breaks nothing", () => {
  expect(told([memory, story, note, end], [memory, story, note, end])).toEqual(["same memory", "same main", "same note", "same main"]);
  const [, , , grown] = changesOf([memory, story, note, { ...end, text: "Three. Four." }], [memory, story, note, end]);
  expect(grown).toMatchObject({ kind: "longer", isBreak: false });
  expect(grown?.parts).toEqual([
    { kind: "same", text: "Three." },
    { kind: "added", text: " Four." },
  ]);
  expect(told([memory, end, segment("note", "[N]")], [memory, end])).toEqual(["same memory", "same main", "new note"]);
});

test("the first that is not as it was is the break, whatever it is", () => {
  expect(told([{ ...memory, text: "A pit." }, story], [memory, story])).toEqual(["changed memory !", "same main"]);
  expect(told([memory, lamp, story], [memory, story])).toEqual(["same memory", "new lamp !", "same main"]);
  expect(told([memory, story], [memory, lamp, story])).toEqual(["same memory", "gone lamp !", "same main"]);
  expect(told([memory, note, story], [memory, story, note])).toEqual(["same memory", "same note", "moved main !"]);
});

test("a note that moved up cuts the text at another place, which is told in the text's own words", () => {
  const changes = changesOf([segment("story", "One.\n", "main"), note, segment("story", "Two.\nThree.", "main")], [story, note, end]);
  expect(changes.map(({ kind }) => kind)).toEqual(["changed", "same", "changed"]);
  expect(changes[0]).toMatchObject({ isBreak: true });
  expect(changes[0]?.parts.filter(({ kind }) => kind === "removed").map(({ text }) => text)).toEqual(["Two.\n"]);
});

test("each segment of the next request is told by what became of it, also behind the break", () => {
  const grown = { ...end, text: "Three. Four." };
  expect(kindsOf([memory, lamp, story, note, grown], [memory, story, note, end])).toEqual(["same", "new", "same", "same", "longer"]);
  expect(kindsOf([{ ...memory, text: "A pit." }, story], [memory, lamp, story])).toEqual(["changed", "same"]);
  expect(kindsOf([memory, note, story], [memory, story, note])).toEqual(["same", "same", "moved"]);
});

test("both sides can be put together from the parts where nothing is left out", () => {
  const [change] = changesOf([segment("memory", "The men went up.")], [segment("memory", "The men went down.")]);
  const side = (without: string): string => (change?.parts ?? []).filter(({ kind }) => kind !== without).map(({ text }) => text).join("");
  expect([side("added"), side("removed")]).toEqual(["The men went down.", "The men went up."]);
});
