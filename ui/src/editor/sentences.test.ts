import { expect, test } from "vitest";

import { firstSentence, Sentences, sentencesOf } from "./sentences";

const SPLIT: readonly (readonly string[])[] = [
  ["She stopped. ", "Then she ran."],
  ["“Who is there?” she asked. ", "“Nobody.” ", "He lied."],
  ["Mr. Evans of St. Asaph met J. R. Hughes. ", "It rained."],
  ["It was I. ", "She knew."],
  ["Limes have vitamin C. ", "Then there is the salt."],
  ["He went back to the U.S. ", "He had no choice."],
  ["The U.S. Army came to St. Asaph. ", "The rain went on."],
  ["They fell back on plan B. ", "“But why?” she asked."],
  ["It was George W. ", "Nobody else had a key."],
  ["J. A. Evans and C. F. Price met T. Theobald. ", "It was late."],
  ["In Washington D.C. ", "I’d have been cold."],
  ["Ask Mr. So at the door. ", "He knows."],
  ["She lived in Flat D. ", "It's the last one."],
  ["Dr. B. Knox left in a DC-3 of U.K. make. ", "Yet nobody saw him."],
  ["Group A. ", "(The others wait.) ", "Group B follows."],
  ["He waited... and went. ", "Then nothing… ", "Sixty."],
  ["It cost 3.14 crowns. ", "Wait…what?\n", "\n“No!”"],
  ['He said. ', '"Go." ', "She went."],
  ['"He ran. ', 'He left." ', "Then she slept."],
  ["那一年冷。", "格温不该数的！", "她问：“几级？”", "“六十。”", "她说。"],
  ["他想……", "然后走了。", "“六十……”", "她说。"],
  ["……我不知道。", "好吗？？！！", "走吧~好。\n", "\n第二段"],
  ['他说："走。"', '"好。"', "她笑了。"],
  ["（他来了。）", "然后走了。", "《灯》真好。"],
  ["「行くよ。」と言った。", "『なに？！』", "誰もいない…", "「あ」", "「い」"],
  ["「行くぞ」", "彼は走った。", "「森」を読んだ。"],
  ["１．５倍だ。", "そう｡", "ね"],
];

test("sentences end where readers of their language see an end", () => {
  for (const sentences of SPLIT) expect(sentencesOf(sentences.join(""))).toEqual(sentences);
});

test("a stream gives the same sentences, however it is cut", () => {
  for (const sentences of SPLIT) {
    const stream = new Sentences();
    const heard = [...Array.from(sentences.join(""), (letter) => stream.push(letter)), stream.end()];
    expect(heard.filter((words) => words !== "")).toEqual(sentences.map((words) => words.trim()));
  }
});

test("all of a text is in its sentences, and an empty one has none", () => {
  for (const text of ["", "\n\n", " . ", "…", "”“」「", "a\n\n\nb.\n\n", '"', "。。。\n灯", "x. \n\n"]) expect(sentencesOf(text).join("")).toBe(text);
  expect([sentencesOf(""), firstSentence(""), firstSentence("No end")]).toEqual([[], "", "No end"]);
});

test.each([
  ["雨は止んだ。ところが、風が出た。", ["雨は止んだ。", "ところが、風が出た。"]],
  ["走った。とても速かった。", ["走った。", "とても速かった。"]],
  ["「来た。」と言った。次。", ["「来た。」と言った。", "次。"]],
])("%s: と goes on only behind a quote", (text, sentences) => {
  expect(sentencesOf(text)).toEqual(sentences);
});

test.each(["\n", "\n\n", ". ", "…"])("a model that repeats %j ends no sentence", (chunk) => {
  const sentences = new Sentences();
  let heard = "";
  for (let turn = 0; turn < 1000; turn++) heard += sentences.push(chunk);
  expect(heard).toBe("");
  expect(sentences.push("She left. He")).toContain("She left.");
});
