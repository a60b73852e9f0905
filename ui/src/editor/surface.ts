/** What the editor shows around the text, the keys that are the page's, and what it tells. */

import { redoDepth, standardKeymap, undoDepth } from "@codemirror/commands";
import { search, searchKeymap } from "@codemirror/search";
import { type ChangeSet, EditorState, type Extension, Prec, Transaction } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";

import { runsOf, unreported } from "./authors";
import { caret } from "./caret";
import { pieceOf } from "./piece";
import { theme } from "./theme";
import { whole } from "./whole";

/** What can be done at the moment, and how long the text is. */
export interface StoryFacts {
  length: number;
  canUndo: boolean;
  canRedo: boolean;
  canRetry: boolean;
}

export interface StoryListener {
  label: string;
  placeholder: string;
  /** What the editor's own search says in the page's language, by its English words. */
  phrases: Readonly<Record<string, string>>;
  /** After each change of the document or of its history. */
  onChange(facts: StoryFacts, textChanged: boolean): void;
  /** The text was changed here: what for the journal, from which piece the new words are, and how. */
  onEdit(changes: ChangeSet, piece: string, event: string): void;
  /** The keys of undo and redo, which also end a generation that runs. */
  onUndo(): void;
  onRedo(): void;
}

export function surface(options: StoryListener): Extension {
  return [
    theme,
    caret,
    EditorView.lineWrapping,
    placeholder(options.placeholder),
    search({ top: true }),
    EditorState.phrases.of(options.phrases),
    // A return that came from elsewhere stays a character, so that positions are those of the journal; pasted words have none.
    EditorState.lineSeparator.of("\n"),
    EditorView.clipboardInputFilter.of(oneLineEnd),
    EditorView.contentAttributes.of({
      "aria-label": options.label,
      tabindex: "0",
      spellcheck: "true",
      autocorrect: "on",
      autocapitalize: "sentences",
    }),
  ];
}

export function keys({ onUndo, onRedo }: StoryListener): Extension {
  const call = (action: () => void) => () => {
    action();
    return true;
  };
  return [
    Prec.high(
      keymap.of([
        { key: "Mod-z", run: call(onUndo), preventDefault: true },
        { key: "Mod-y", mac: "Mod-Shift-z", run: call(onRedo), preventDefault: true },
        { linux: "Ctrl-Shift-z", win: "Ctrl-Shift-z", run: call(onRedo), preventDefault: true },
        // The page's own: generate, retry, takes, suggest.
        { key: "Mod-Enter", run: () => true },
        { key: "Mod-Shift-Enter", run: () => true },
        { key: "Mod-Alt-Enter", run: () => true },
        { key: "Alt-Enter", run: () => true },
      ]),
    ),
    keymap.of([...searchKeymap, ...standardKeymap]),
  ];
}

export function report({ onChange, onEdit }: StoryListener): Extension {
  return EditorView.updateListener.of(({ state, transactions, docChanged }) => {
    for (const transaction of transactions)
      if (transaction.docChanged && !transaction.annotation(unreported))
        onEdit(editOf(transaction), pieceIn(transaction), transaction.annotation(Transaction.userEvent) ?? "");
    if (transactions.length > 0) onChange(factsOf(state), docChanged);
  });
}

const editOf = ({ changes, startState, newDoc }: Transaction): ChangeSet => whole(changes, startState.doc, newDoc);

/** The piece that all new words of a change are from, or "" for the writer's. */
function pieceIn({ changes, state }: Transaction): string {
  const found = new Set<string>();
  changes.iterChangedRanges((_fromA, _toA, from, to) => {
    for (const [, piece] of runsOf(state, from, to)) found.add(piece);
  });
  const [only = ""] = found;
  return found.size === 1 ? only : "";
}

export function factsOf(state: EditorState): StoryFacts {
  return {
    length: state.doc.length,
    canUndo: undoDepth(state) > 0,
    canRedo: redoDepth(state) > 0,
    canRetry: pieceOf(state) !== null,
  };
}

/** Words for the editor, which writes every line end as one character. */
export function oneLineEnd(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
