import { ChangeSet, EditorState, type TransactionSpec } from "@codemirror/state";
import { expect, test } from "vitest";

import { authorsExtension, runsOf } from "./authors";
import { type Drawn, heatOf, placed } from "./chances";
import { firstWord, ghostField, ghostOf, setGhost } from "./ghost";
import { firstSentence } from "./sentences";

const drawn = (...texts: string[]): Drawn[] => texts.map((text) => ({ text, logprob: -1, top: [] }));
const spans = (tokens: Drawn[], text: string): string[] => placed(tokens, text).map(({ from, to }) => text.slice(from, to));

test("tokens stand where they were written", () => {
  expect(spans(drawn(" The", " lamp", " went"), " The lamp went")).toEqual([" The", " lamp", " went"]);
  expect(spans(drawn(" The", " lamp"), "The lamp")).toEqual(["The", " lamp"]);
  expect(spans(drawn("灯", "\ufffd", "\ufffd", "了"), "灯灭了")).toEqual(["灯", "了"]);
  expect(spans(drawn("a", "b", "c"), "aXc")).toEqual(["a", "c"]);
  expect(spans(drawn("the"), "x".repeat(50) + "the")).toEqual([]);
});

test("the less likely, the hotter", () => {
  expect([0.95, 0.6, 0.3, 0.1, 0.01].map((p) => heatOf(Math.log(p)))).toEqual([0, 1, 2, 3, 4]);
  expect(heatOf(-9999)).toBe(4);
});

test("a word comes with the space before it and the marks behind it", () => {
  expect(firstWord(" said Gwen, softly.")).toBe(" said");
  expect(firstWord(" Gwen, softly.")).toBe(" Gwen,");
  expect(firstWord("“No.” She")).toBe("“No.”");
  expect(firstWord("...")).toBe("...");
  expect(firstWord("说：“走。”")).toBe("说：");
  expect(firstWord("灯灭了。")).toMatch(/^灯/);
});

test("a sentence comes whole", () => {
  expect(firstSentence(" She stopped. Then she ran.")).toBe(" She stopped. ");
  expect(firstSentence("No end")).toBe("No end");
});

test("word by word, all of a ghost is in the text", () => {
  for (const text of [" said Gwen, “softly.” — And 3.14 knocks!", "她说：“走吧。”然后走了。", "\n\nNew line."]) {
    let [rest, got] = [text, ""];
    for (let i = 0; rest !== "" && i < 100; i++) {
      const word = firstWord(rest);
      expect(word).not.toBe("");
      [rest, got] = [rest.slice(word.length), got + word];
    }
    expect(got).toBe(text);
  }
});

const state = (): EditorState => {
  const empty = EditorState.create({ doc: "She", selection: { anchor: 3 }, extensions: [ghostField, authorsExtension] });
  return empty.update({ effects: setGhost.of({ at: 3, text: " ran", piece: "g" }) }).state;
};

test("typing or moving puts a ghost away; what others do moves it", () => {
  const after = (change: TransactionSpec): ReturnType<typeof ghostOf> => ghostOf(state().update(change).state);
  expect(after({ changes: { from: 3, insert: "," }, userEvent: "input.type" })).toBeNull();
  expect(after({ changes: { from: 2, to: 3 }, userEvent: "delete.backward" })).toBeNull();
  expect(after({ selection: { anchor: 1 } })).toBeNull();
  expect(after({ changes: ChangeSet.of({ from: 0, insert: "So " }, 3) })).toEqual({ at: 6, text: " ran", piece: "g" });
  expect(runsOf(state(), 0, 3)).toEqual([[3, ""]]);
});
