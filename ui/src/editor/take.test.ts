import { redoDepth, undoDepth } from "@codemirror/commands";
import { type EditorState, type Transaction } from "@codemirror/state";
import { expect, test } from "vitest";

import { type Runs, runsOf } from "./authors";
import { type Piece, pieceOf } from "./piece";
import { createState } from "./story";
import { redoStep, Take, undoStep } from "./take";

/** An editor without a screen. */
class Desk {
  state: EditorState;

  constructor(text: string, piece: Piece | null = null) {
    const nothing = (): void => undefined;
    const runs: Runs = piece ? [[piece.from, ""], [piece.to - piece.from, "old"]] : [];
    const heard = { onChange: nothing, onEdit: nothing, onUndo: nothing, onRedo: nothing };
    this.state = createState({ text, runs, label: "", placeholder: "", phrases: {}, ...heard });
  }

  dispatch(transactions: readonly Transaction[]): void {
    for (const transaction of transactions) this.state = transaction.state;
  }

  type(at: number, insert: string): void {
    this.dispatch([this.state.update({ changes: { from: at, insert }, userEvent: "input.type" })]);
  }

  generate(place: "end" | "piece", ...chunks: string[]): void {
    const take = new Take(this, place, "new");
    for (const chunk of chunks) take.append(chunk);
    take.finish();
  }

  undo(): boolean {
    return undoStep(this);
  }

  redo(): boolean {
    return redoStep(this);
  }

  get text(): string {
    return this.state.doc.toString();
  }

  /** The generated piece, as text. */
  get piece(): string | null {
    const piece = pieceOf(this.state);
    return piece && this.state.sliceDoc(piece.from, piece.to);
  }
}

test("text is added at the end and is one step of undo", () => {
  const desk = new Desk("Once");
  desk.generate("end", " upon", " a", " time");
  expect(desk.text).toBe("Once upon a time");
  expect(desk.piece).toBe(" upon a time");
  expect(undoDepth(desk.state)).toBe(1);

  desk.undo();
  expect(desk.text).toBe("Once");
  desk.redo();
  expect(desk.text).toBe("Once upon a time");
  expect(desk.piece).toBe(" upon a time");
});

test("a retry takes the place of the last piece, and undo brings the older take back", () => {
  const desk = new Desk("Once");
  desk.generate("end", " upon", " a time");
  desk.generate("piece", " there", " was");
  expect(desk.text).toBe("Once there was");
  desk.generate("piece", " more");

  desk.undo();
  expect([desk.text, desk.piece]).toEqual(["Once there was", " there was"]);
  desk.undo();
  expect([desk.text, desk.piece]).toEqual(["Once upon a time", " upon a time"]);
  desk.undo();
  expect(desk.text).toBe("Once");
  expect(desk.undo()).toBe(false);
  desk.redo();
  desk.redo();
  expect([desk.text, desk.piece]).toEqual(["Once there was", " there was"]);
});

test("undoing a generation makes the one before it the piece to retry", () => {
  const desk = new Desk("A");
  desk.generate("end", " first");
  desk.generate("end", " second");
  expect(desk.piece).toBe(" second");
  desk.undo();
  expect(desk.piece).toBe(" first");
  desk.generate("piece", " other");
  expect(desk.text).toBe("A other");
});

test("the piece before keeps its place while the writer edits above it during the next one", () => {
  const desk = new Desk("A");
  desk.generate("end", " first");
  const take = new Take(desk, "end", "new");
  take.append(" second");
  desk.type(0, "Chapter 1\n");
  desk.type(desk.text.indexOf("st second"), "--");
  take.append(" more");
  take.finish();
  expect([desk.text, desk.piece]).toEqual(["Chapter 1\nA fir--st second more", " second more"]);
  desk.undo();
  expect([desk.text, desk.piece]).toEqual(["Chapter 1\nA fir--st", " fir--st"]);
});

test("a retry during which the writer edits above is undone to the older take", () => {
  const desk = new Desk("Once");
  desk.generate("end", " upon a time and long ago");
  const take = new Take(desk, "piece", "new");
  take.append(" there");
  desk.type(0, ">> ");
  take.append(" was");
  take.finish();
  expect([desk.text, desk.piece]).toEqual([">> Once there was", " there was"]);
  // The writer's own step lies between taking out and putting in, so they are undone one by one, in order.
  desk.undo();
  expect(desk.text).toBe(">> Once");
  desk.undo();
  expect(desk.text).toBe("Once");
  desk.undo();
  expect([desk.text, desk.piece]).toEqual(["Once upon a time and long ago", " upon a time and long ago"]);
  for (let i = 0; i < 3; i++) desk.redo();
  expect(desk.text).toBe(">> Once there was");
});

test("a take without any text changes nothing", () => {
  const desk = new Desk("Once");
  desk.generate("end", " upon");
  const before = desk.state;
  desk.generate("piece", "");
  expect(desk.state).toBe(before);
  expect(undoDepth(desk.state)).toBe(1);
});

test("the writer may edit above while text streams", () => {
  const desk = new Desk("Once");
  const take = new Take(desk, "end", "new");
  take.append(" upon");
  desk.type(0, "Chapter 1\n");
  take.append(" a time");
  take.finish();
  expect(desk.text).toBe("Chapter 1\nOnce upon a time");
  expect(desk.piece).toBe(" upon a time");

  desk.undo();
  expect(desk.text).toBe("Chapter 1\nOnce");
  desk.undo();
  expect(desk.text).toBe("Once");
  expect(redoDepth(desk.state)).toBe(2);
  desk.redo();
  desk.redo();
  expect(desk.text).toBe("Chapter 1\nOnce upon a time");
});

test("what is typed behind the stream stays behind it, and outside the piece", () => {
  const desk = new Desk("Once");
  const take = new Take(desk, "end", "new");
  take.append(" upon");
  desk.type(desk.text.length, " THE END");
  take.append(" a time");
  take.finish();
  expect(desk.text).toBe("Once upon a time THE END");
  expect(desk.piece).toBe(" upon a time");
});

test("what is typed inside the stream stays where it was typed", () => {
  const desk = new Desk("Once");
  const take = new Take(desk, "end", "new");
  take.append(" upon a");
  desk.type(9, " lovely");
  take.append(" time");
  take.finish();
  expect(desk.text).toBe("Once upon lovely a time");
});

test("the text may be deleted under the stream", () => {
  const desk = new Desk("Once");
  const take = new Take(desk, "end", "new");
  take.append(" upon");
  desk.dispatch([desk.state.update({ changes: { from: 0, to: desk.state.doc.length } })]);
  take.append(" a time");
  take.finish();
  expect(desk.text).toBe(" a time");
});

test("typing right after a piece does not join it in the undo history", () => {
  const desk = new Desk("Once");
  desk.generate("end", " upon");
  desk.type(desk.text.length, "!");
  desk.undo();
  expect(desk.text).toBe("Once upon");
});

test("the caret stays at the end, but is left alone elsewhere", () => {
  const desk = new Desk("Once");
  desk.generate("end", " upon", " a time");
  expect(desk.state.selection.main.head).toBe(desk.text.length);
  desk.dispatch([desk.state.update({ selection: { anchor: 2 } })]);
  desk.generate("end", " more");
  expect(desk.state.selection.main.head).toBe(2);
});

test("carriage returns do not shift the piece, also across two chunks", () => {
  const desk = new Desk("One\ntwo");
  desk.generate("end", " three\r", "\nfour\r\n", "five");
  expect(desk.text).toBe("One\ntwo three\nfour\nfive");
  expect(desk.piece).toBe(" three\nfour\nfive");
});

test("a piece that was kept can be retried; one that does not fit the text is dropped", () => {
  const desk = new Desk("Once upon", { from: 4, to: 9 });
  desk.generate("piece", " more");
  expect(desk.text).toBe("Once more");
  expect(new Desk("Once", { from: 4, to: 9 }).piece).toBe(null);
});

/** A small generator of pseudo-random numbers below a limit, the same for the same seed. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test("whatever was written, retried and typed meanwhile: undo leads back to the start, redo to the end", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const roll = dice(seed);
    const desk = new Desk("Once");
    const type = (): void => desk.type(roll(desk.text.length + 1), "abc"[roll(3)] ?? "");
    for (let step = 0; step < 12; step++) {
      const what = roll(5);
      if (what === 0) type();
      if (what === 1) desk.undo();
      if (what === 2) desk.redo();
      if (what < 3) continue;
      const take = new Take(desk, what === 3 ? "end" : "piece", "new");
      for (let chunk = roll(4); chunk > 0; chunk--) {
        take.append(` ${step}${"xyz".slice(roll(3))}`);
        if (roll(3) === 0) type();
      }
      take.finish();
    }
    while (desk.redo());
    const end = desk.text;
    while (desk.undo());
    expect(desk.text, `seed ${seed}`).toBe("Once");
    while (desk.redo());
    expect(desk.text, `seed ${seed}`).toBe(end);
  }
});

const sources = (desk: Desk): Runs => runsOf(desk.state, 0, desk.state.doc.length);

test("each word has its source: a piece is one stretch, and what is typed inside it is the writer's", () => {
  const desk = new Desk("Once ");
  desk.generate("end", "upon", " a ", "time");
  expect(sources(desk)).toEqual([[5, ""], [11, "new"]]);
  desk.type(9, "!!");
  expect(sources(desk)).toEqual([[5, ""], [4, "new"], [2, ""], [7, "new"]]);
  desk.type(18, ".");
  expect(sources(desk).at(-1)).toEqual([1, ""]);
});

test("undo brings words back with their source", () => {
  const desk = new Desk("Once ");
  desk.generate("end", "upon a time");
  desk.dispatch([desk.state.update({ changes: { from: 2, to: 9 }, userEvent: "delete.selection" })]);
  expect(sources(desk)).toEqual([[2, ""], [7, "new"]]);
  desk.undo();
  expect(sources(desk)).toEqual([[5, ""], [11, "new"]]);
});
