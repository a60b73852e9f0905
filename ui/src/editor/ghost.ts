/** A continuation that is only offered: grey text at the caret, which is in the story once it is accepted. */

import { type EditorState, type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import { type Command, Decoration, EditorView, WidgetType } from "@codemirror/view";

import { addModel } from "./authors";
import { firstSentence } from "./sentences";

export interface Ghost {
  at: number;
  text: string;
  /** The piece that its words are from once they are accepted. */
  piece: string;
}

export interface GhostListener {
  /** It was put away with words that nobody took, or ended because all are in the text. */
  onGhostGone?(rest: Ghost): void;
}

export const setGhost = StateEffect.define<Ghost | null>();

export const ghostField = StateField.define<Ghost | null>({
  create: () => null,
  update(ghost, transaction) {
    for (const effect of transaction.effects) if (effect.is(setGhost)) return effect.value;
    if (!ghost) return null;
    // Another word or another place of the caret: it does not stand where it was asked for.
    const isMoved = transaction.selection !== undefined && transaction.selection.main.head !== ghost.at;
    if (isMoved || (transaction.docChanged && transaction.isUserEvent("input"))) return null;
    if (transaction.docChanged && transaction.isUserEvent("delete")) return null;
    return transaction.docChanged ? { ...ghost, at: transaction.changes.mapPos(ghost.at, 1) } : ghost;
  },
  provide: (self) =>
    EditorView.decorations.from(self, (ghost) =>
      ghost && ghost.text !== "" ? Decoration.set(Decoration.widget({ widget: new Words(ghost.text), side: 1 }).range(ghost.at)) : Decoration.none,
    ),
});

class Words extends WidgetType {
  constructor(readonly text: string) {
    super();
  }

  override eq({ text }: Words): boolean {
    return text === this.text;
  }

  override toDOM(): HTMLElement {
    const span = document.createElement("span");
    span.className = "ghost";
    span.textContent = this.text;
    return span;
  }
}

const words = new Intl.Segmenter(undefined, { granularity: "word" });

/** The first word with the space before it and the marks behind it that do not open the next; of a text without words all of it. */
export function firstWord(text: string): string {
  let taken = "";
  let hasWord = false;
  for (const { segment, isWordLike } of words.segment(text)) {
    if (hasWord && (isWordLike === true || /^[\s\p{Ps}\p{Pi}]/u.test(segment))) break;
    taken += segment;
    hasWord ||= isWordLike === true;
  }
  return taken;
}

function accept(part: (text: string) => string): Command {
  return (view) => {
    const ghost = view.state.field(ghostField);
    if (!ghost || ghost.text === "") return false;
    const insert = part(ghost.text);
    const to = ghost.at + insert.length;
    const rest = { ...ghost, at: to, text: ghost.text.slice(insert.length) };
    view.dispatch({
      changes: { from: ghost.at, insert },
      selection: { anchor: to },
      effects: [addModel.of({ from: ghost.at, to, piece: ghost.piece }), setGhost.of(rest)],
      userEvent: "input.ghost",
      scrollIntoView: true,
    });
    return true;
  };
}

const dismiss: Command = (view) => {
  if (!view.state.field(ghostField)) return false;
  view.dispatch({ effects: setGhost.of(null) });
  return true;
};

const COMMANDS: Readonly<Record<string, Command>> = {
  ArrowRight: accept(firstWord),
  Tab: accept(firstSentence),
  "Mod-Enter": accept((text) => text),
  Escape: dismiss,
};

/**
 * What a ghost that is shown takes of the keys; without one they are everybody's. No key map: of one key with several
 * commands it would keep all from the page, also where another command took it.
 */
function onKey(event: KeyboardEvent, view: EditorView): boolean {
  const hasCommand = event.ctrlKey || event.metaKey;
  if (event.isComposing || event.keyCode === 229 || event.shiftKey || event.altKey) return false;
  const isDone = COMMANDS[hasCommand ? `Mod-${event.key}` : event.key]?.(view) ?? false;
  if (isDone) event.stopPropagation();
  return isDone;
}

export function ghosts({ onGhostGone }: GhostListener): Extension {
  return [
    ghostField,
    Prec.highest(EditorView.domEventHandlers({ keydown: onKey })),
    EditorView.updateListener.of(({ startState, state, transactions }) => {
      const before = startState.field(ghostField);
      if (before && !state.field(ghostField) && transactions.length > 0) onGhostGone?.(before);
    }),
  ];
}

/** Offers more words behind those that are offered already; false once the writer has put it away. */
export function offer(view: EditorView, ghost: Ghost, isFirst: boolean): boolean {
  const now = view.state.field(ghostField);
  if (!isFirst && now?.piece !== ghost.piece) return false;
  const text = (now?.piece === ghost.piece ? now.text : "") + ghost.text;
  view.dispatch({ effects: setGhost.of({ ...ghost, at: isFirst ? ghost.at : (now?.at ?? ghost.at), text }) });
  return true;
}

export const ghostOf = (state: EditorState): Ghost | null => state.field(ghostField);
