/**
 * Who wrote what: each stretch of text that a model wrote carries the id of its piece. What a writer types, pastes or
 * changes is the writer's, also inside a piece. Undo brings a stretch back with its id.
 */

import { invertedEffects } from "@codemirror/commands";
import {
  Annotation,
  type ChangeDesc,
  type ChangeSet,
  type EditorState,
  type Extension,
  type Range,
  StateEffect,
  StateField,
} from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";

import type { Piece } from "./piece";

/** Text by its sources: so many characters from a piece, or "" for the writer's own. */
export type Runs = readonly (readonly [length: number, piece: string])[];

interface Stretch {
  from: number;
  to: number;
  piece: string;
}

/** A stretch of the new text is a model's. */
export const addModel = StateEffect.define<Stretch>({
  // One that waits in the undo history lies in the text as it will be after the undo; see `slide` of pieces.
  map: ({ from, to, piece }, changes) => {
    const start = changes.mapPos(Math.min(from, changes.length), 1);
    return { from: start, to: start + to - from, piece };
  },
});

/** All sources at once, when another text is shown. */
export const setRuns = StateEffect.define<Runs>();

/** What this update does is not the writer's, and not for the journal: it came from there, or changes nothing in sum. */
export const unreported = Annotation.define<boolean>();

const marks = new Map<string, Decoration>();

function mark(piece: string): Decoration {
  const known = marks.get(piece);
  if (known) return known;
  const made = Decoration.mark({ class: "model", piece });
  marks.set(piece, made);
  return made;
}

export function pieceIdOf(decoration: Decoration): string {
  const { piece } = decoration.spec as { piece?: string };
  return piece ?? "";
}

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(found, { changes, docChanged, effects, newDoc }) {
    let now = docChanged ? withoutInserted(found.map(changes), changes) : found;
    const added: Range<Decoration>[] = [];
    for (const effect of effects) {
      if (effect.is(setRuns)) now = fromRuns(effect.value, newDoc.length);
      if (effect.is(addModel)) {
        const { from, piece } = effect.value;
        const to = Math.min(effect.value.to, newDoc.length);
        if (to > from) added.push(joined(now, { from, to, piece }));
      }
    }
    if (added.length === 0) return now;
    const sorted = added.sort((a, b) => a.from - b.from);
    return now.update({
      filter: (from, to) => !sorted.some((stretch) => stretch.from < to && stretch.to > from),
      filterFrom: sorted[0]?.from ?? 0,
      filterTo: sorted.at(-1)?.to ?? 0,
      add: [...cutOut(now, sorted), ...sorted],
      sort: true,
    });
  },
  provide: (self) => EditorView.decorations.from(self),
});

/** A stretch together with one of the same piece that it goes on with, as each token of a stream does. */
function joined(now: DecorationSet, { from, to, piece }: Stretch): Range<Decoration> {
  let start = from;
  now.between(Math.max(0, from - 1), from, (before, end, value) => {
    if (end === from && pieceIdOf(value) === piece) start = before;
  });
  return mark(piece).range(start, to);
}

/** What is left of stretches that others cover in part. */
function cutOut(now: DecorationSet, holes: readonly { from: number; to: number }[]): Range<Decoration>[] {
  const left: Range<Decoration>[] = [];
  const first = holes[0]?.from ?? 0;
  const last = holes.at(-1)?.to ?? 0;
  now.between(first, last, (from, to, value) => {
    const inside = holes.filter((hole) => hole.from < to && hole.to > from);
    if (inside.length === 0) return;
    let at = from;
    for (const hole of inside) {
      if (hole.from > at) left.push(value.range(at, hole.from));
      at = Math.max(at, hole.to);
    }
    if (at < to) left.push(value.range(at, to));
  });
  return left;
}

/** New text inside a stretch is not part of it. */
function withoutInserted(found: DecorationSet, changes: ChangeSet): DecorationSet {
  const holes: { from: number; to: number }[] = [];
  changes.iterChangedRanges((_a, _b, from, to) => {
    if (to > from) holes.push({ from, to });
  });
  if (holes.length === 0) return found;
  const left = cutOut(found, holes);
  return found.update({
    filter: (from, to) => to > from && !holes.some((hole) => hole.from < to && hole.to > from),
    add: left,
    sort: true,
  });
}

function fromRuns(runs: Runs, length: number): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  let at = 0;
  for (const [run, piece] of runs) {
    const to = Math.min(at + run, length);
    if (piece !== "" && to > at) ranges.push(mark(piece).range(at, to));
    at += run;
  }
  return Decoration.set(ranges);
}

/** The sources of a part of the text, in its order. */
export function runsOf(state: EditorState, from: number, to: number): Runs {
  const runs: [number, string][] = [];
  let at = from;
  state.field(field).between(from, to, (start, end, value) => {
    const begin = Math.max(start, from);
    const stop = Math.min(end, to);
    if (stop <= begin) return;
    if (begin > at) runs.push([begin - at, ""]);
    const last = runs.at(-1);
    if (last && last[1] === pieceIdOf(value) && begin === at) last[0] += stop - begin;
    else runs.push([stop - begin, pieceIdOf(value)]);
    at = stop;
  });
  if (to > at) runs.push([to - at, ""]);
  return runs;
}

/** Where the piece lies that was written last, by its place: from its first word to its last. */
export function lastPiece(state: EditorState): (Piece & { id: string }) | null {
  let id = "";
  let to = 0;
  const all = state.field(field);
  for (const cursor = all.iter(); cursor.value; cursor.next()) {
    id = pieceIdOf(cursor.value);
    to = cursor.to;
  }
  return id === "" ? null : { id, to, from: firstOf(all, id) };
}

function firstOf(all: DecorationSet, id: string): number {
  for (const cursor = all.iter(); cursor.value; cursor.next()) if (pieceIdOf(cursor.value) === id) return cursor.from;
  return 0;
}

const undoable = invertedEffects.of(({ changes, docChanged, startState }) => {
  const lost: StateEffect<Stretch>[] = [];
  if (!docChanged) return lost;
  (changes as ChangeDesc).iterChangedRanges((from, to) => {
    if (to === from) return;
    startState.field(field).between(from, to, (start, end, value) => {
      const stretch = { from: Math.max(start, from), to: Math.min(end, to), piece: pieceIdOf(value) };
      if (stretch.to > stretch.from) lost.push(addModel.of(stretch));
    });
  });
  return lost;
});

const beside = Decoration.line({ class: "written" });

/** A hairline beside the paragraphs that have words of a model, of those on screen. */
const hairlines = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = linesOf(view);
    }

    update(update: ViewUpdate): void {
      if (update.docChanged || update.viewportChanged || update.transactions.some(({ effects }) => effects.length > 0))
        this.decorations = linesOf(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function linesOf({ state, visibleRanges }: EditorView): DecorationSet {
  const starts = new Set<number>();
  for (const { from, to } of visibleRanges) {
    state.field(field).between(from, to, (start, end) => {
      for (let at = Math.max(start, from); at < Math.min(end, to); ) {
        const line = state.doc.lineAt(at);
        if (line.length > 0) starts.add(line.from);
        at = line.to + 1;
      }
    });
  }
  return Decoration.set([...starts].sort((a, b) => a - b).map((at) => beside.range(at)));
}

export const authorsExtension: Extension = [field, undoable, hairlines];
