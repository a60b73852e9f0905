/** The piece of text that was generated last: where it lies, its tint, and how undo and redo carry it along. */

import { invertedEffects } from "@codemirror/commands";
import { type ChangeDesc, type EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";

/** From the first character of the piece to behind its last one. While it is being written it may be empty. */
export interface Piece {
  readonly from: number;
  readonly to: number;
}

/** The last piece and, while a new one is being written, the one before it. */
export interface Pieces {
  readonly now: Piece | null;
  readonly before: Piece | null;
  /** A retry has taken the piece out and not put another one in: half of what is one step to the writer. */
  readonly isHalf: boolean;
}

export function mapPiece(piece: Piece | null, changes: ChangeDesc): Piece | null {
  if (!piece) return null;
  // What a writer types at the edges is not part of the piece.
  const from = changes.mapPos(piece.from, 1);
  return { from, to: Math.max(from, changes.mapPos(piece.to, -1)) };
}

/**
 * Moves a piece that waits in the undo history. It lies in the document as it will be after the undo, while the
 * changes are those of the document as it is: they agree only up to the start of what the undo changes.
 */
function slide(piece: Piece | null, changes: ChangeDesc): Piece | null {
  if (!piece) return null;
  const from = changes.mapPos(Math.min(piece.from, changes.length), 1);
  return { from, to: from + piece.to - piece.from };
}

export const setPieces = StateEffect.define<Pieces>({
  map: ({ now, before, isHalf }, changes) => ({ now: slide(now, changes), before: slide(before, changes), isHalf }),
});

const field = StateField.define<Pieces>({
  create: () => ({ now: null, before: null, isHalf: false }),
  update(pieces, transaction) {
    for (const effect of transaction.effects) if (effect.is(setPieces)) return effect.value;
    if (!transaction.docChanged) return pieces;
    const { changes } = transaction;
    // A step of the writer's own lies between the halves now: they are two steps of undo.
    return { now: mapPiece(pieces.now, changes), before: mapPiece(pieces.before, changes), isHalf: false };
  },
  provide: (self) =>
    EditorView.decorations.from(self, ({ now }) =>
      now && now.to > now.from ? Decoration.set(tint.range(now.from, now.to)) : Decoration.none,
    ),
});

const tint = Decoration.mark({ class: "generated" });

/** Undoing a generation brings back the piece before it, so that it can be retried in its turn. */
const undoable = invertedEffects.of(({ effects, startState }) =>
  effects.some((effect) => effect.is(setPieces)) ? [setPieces.of(startState.field(field))] : [],
);

export const pieceExtension: Extension = [field, undoable];

export function piecesOf(state: EditorState): Pieces {
  return state.field(field);
}

/** The last piece, unless nothing of it is left. */
export function pieceOf(state: EditorState): Piece | null {
  const { now } = state.field(field);
  return now && now.to > now.from ? now : null;
}
