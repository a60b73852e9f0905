/**
 * One generation that is being written into the document.
 *
 * While it streams, its changes stay out of the undo history, since the writer may edit elsewhere at the same time and
 * a generation must be one step of undo. `finish` therefore takes the text out and puts it back as one recorded change;
 * both happen in one update, so nothing of it is seen. What stays out of the history may only ever take away text that
 * it has itself put in: the history could not bring back anything else.
 */

import { isolateHistory, redo, undo } from "@codemirror/commands";
import { EditorSelection, type EditorState, type StateCommand, type StateEffect, Transaction } from "@codemirror/state";

import { addModel, type Runs, runsOf, unreported } from "./authors";
import { mapPiece, type Piece, pieceOf, piecesOf, setPieces } from "./piece";

/** What a take needs of an editor: its state, and to apply transactions made from it in one update. */
export interface Target {
  readonly state: EditorState;
  dispatch(transactions: readonly Transaction[]): void;
}

export class Take {
  readonly #target: Target;
  readonly #place: "end" | "piece";
  readonly #id: string;
  #hasStarted = false;

  /**
   * @param id Of the piece.
   * @param place "end" appends to the document, "piece" replaces the last piece, as soon as text comes.
   */
  constructor(target: Target, place: "end" | "piece", id: string) {
    this.#target = target;
    this.#place = place;
    this.#id = id;
  }

  append(streamed: string): void {
    // The editor knows one line end, of one character; a pair may also lie across two chunks of the stream.
    const text = streamed.replaceAll("\r", "");
    if (text === "") return;
    if (!this.#hasStarted) this.#start();
    this.#write(text);
  }

  /** Makes what was written one step of undo. Without any text, nothing has happened. */
  finish(): void {
    if (!this.#hasStarted) return;
    const { state } = this.#target;
    const { before, isHalf } = piecesOf(state);
    const { from, to } = this.#piece();
    const changes = state.changes({ from, to });
    const runs = runsOf(state, from, to);
    const takenOut = state.update({
      changes,
      effects: setPieces.of({ now: mapPiece(before, changes), before: null, isHalf }),
      annotations: [Transaction.addToHistory.of(false), unreported.of(true)],
    });
    const putBack = takenOut.state.update({
      changes: { from, insert: state.sliceDoc(from, to) },
      selection: state.selection,
      effects: [setPieces.of({ now: { from, to }, before: null, isHalf: false }), ...stretches(from, runs)],
      annotations: [isolateHistory.of("full"), Transaction.userEvent.of("input.generate"), unreported.of(true)],
    });
    this.#target.dispatch([takenOut, putBack]);
  }

  /** Makes place: an empty piece, where the text is going to be. */
  #start(): void {
    this.#hasStarted = true;
    const { state } = this.#target;
    const piece = pieceOf(state);
    if (this.#place === "piece" && piece) {
      const { from, to } = piece;
      const effects = setPieces.of({ now: { from, to: from }, before: null, isHalf: true });
      const annotations = [isolateHistory.of("full"), Transaction.userEvent.of("delete.retry")];
      this.#target.dispatch([state.update({ changes: { from, to }, effects, annotations })]);
    } else {
      const end = { from: state.doc.length, to: state.doc.length };
      const effects = setPieces.of({ now: end, before: piece, isHalf: false });
      this.#target.dispatch([state.update({ effects, annotations: Transaction.addToHistory.of(false) })]);
    }
  }

  #write(text: string): void {
    const { state } = this.#target;
    const { from, to } = this.#piece();
    const { main } = state.selection;
    const end = to + text.length;
    // A caret at the end of the text stays there, so that one can write on.
    const follows = main.empty && main.head === to;
    this.#target.dispatch([
      state.update({
        changes: { from: to, insert: text },
        effects: [
          setPieces.of({ ...piecesOf(state), now: { from, to: end } }),
          addModel.of({ from: to, to: end, piece: this.#id }),
        ],
        annotations: [
          Transaction.addToHistory.of(false),
          Transaction.remote.of(true),
          Transaction.userEvent.of("input.generate"),
        ],
        ...(follows ? { selection: EditorSelection.cursor(end) } : {}),
      }),
    ]);
  }

  #piece(): Piece {
    const { state } = this.#target;
    return piecesOf(state).now ?? { from: state.doc.length, to: state.doc.length };
  }
}

/** The sources of a text that is put in, as effects. */
function stretches(from: number, runs: Runs): StateEffect<unknown>[] {
  let at = from;
  return runs.flatMap(([length, piece]) => {
    const start = at;
    at += length;
    return piece === "" ? [] : [addModel.of({ from: start, to: at, piece })];
  });
}

/** Undo and redo, for which a retry is one step although the history holds two. */
export const undoStep = whole(undo);
export const redoStep = whole(redo);

function whole(command: StateCommand): (target: Target) => boolean {
  return (target) => {
    const once = (): boolean =>
      command({ state: target.state, dispatch: (transaction) => target.dispatch([transaction]) });
    return once() && (!piecesOf(target.state).isHalf || once());
  };
}
