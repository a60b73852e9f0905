import { expect, test } from "vitest";
import { Refusal } from "../api/http";
import { ApiError } from "../api/types";
import { formatOf, linesOf, refusalOf, worded } from "./report";

const number = String;
const REPORT = {
  format: "KoboldAI Lite save",
  format_code: { code: "format_kobold", values: {} },
  understood: [{ what: "2 branches", note: "", what_code: { code: "num_branches", values: { n: 2 } } }],
  kept: [],
  dropped: [{ what: "an old server's line", note: "It says why." }],
  notes: ["The picture has no end."],
  note_codes: [{ code: "png_no_end", values: {} }],
};
const ZH = { format_kobold: "存档", num_branches: "{n} 个分支", png_no_end: "图片没有结尾。" };

test("a report is worded in the page's language, and in the server's where that has no words", () => {
  expect(worded(formatOf(REPORT), ZH, number)).toBe("存档");
  const lines = linesOf(REPORT).map(({ fate, what, note }) => [fate, worded(what, ZH, number), worded(note, ZH, number)]);
  expect(lines).toEqual([
    ["understood", "2 个分支", ""],
    ["dropped", "an old server's line", "It says why."],
    ["notes", "图片没有结尾。", ""],
  ]);
  expect(worded(formatOf(REPORT), {}, number)).toBe("KoboldAI Lite save");
});

test("what is no report has no lines", () => {
  for (const odd of [null, "x", [], { understood: "x", notes: [1, null], dropped: [null] }]) {
    expect(linesOf(odd).every(({ what }) => what.english === "")).toBe(true);
  }
});

test("a value is not taken for a slot of its own", () => {
  const card = { code: "card", values: { name: "{name} {n}" }, english: "" };
  expect(worded(card, { card: "{name} 的角色卡" }, number)).toBe("{name} {n} 的角色卡");
});

test("a refusal is worded with what stands in it, or said as the server says it", () => {
  const said = { code: "no_utf8", values: { what: { code: "the_file", values: {} } } };
  const error = new Refusal({ error: { said } }, "file_refused", "The file is not UTF-8 text.", 400);
  const words = { the_file: "文件", no_utf8: "{what}不是 UTF-8 文本。" };
  expect(worded(refusalOf(error), words, number)).toBe("文件不是 UTF-8 文本。");
  expect(worded(refusalOf(error), { no_utf8: words.no_utf8 }, number)).toBe("The file is not UTF-8 text.");
  expect(worded(refusalOf(new ApiError("gone", "Coblyn does not answer.")), words, number)).toBe("Coblyn does not answer.");
});
