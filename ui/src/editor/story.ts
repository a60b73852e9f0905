/** The story editor: plain text in, plain text out. Knows CodeMirror, and nothing of servers or storage. */

import { history, redoDepth, standardKeymap, undoDepth } from "@codemirror/commands";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";

import { gather } from "./frames";
import { type Piece, pieceExtension, pieceOf, setPieces } from "./piece";
import { redoStep, Take, type Target, undoStep } from "./take";
import { theme } from "./theme";

export type { Piece } from "./piece";

/** What can be done at the moment, and how long the text is. */
export interface StoryFacts {
  length: number;
  canUndo: boolean;
  canRedo: boolean;
  canRetry: boolean;
}

export interface StoryOptions {
  text: string;
  piece: Piece | null;
  label: string;
  placeholder: string;
  /** After each change of the document or of its history. */
  onChange(facts: StoryFacts, textChanged: boolean): void;
  /** The keys of undo and redo, which also end a generation that runs. */
  onUndo(): void;
  onRedo(): void;
}

/** A generation that is being written; text appears with the next frame. */
export interface Writing {
  append(text: string): void;
  finish(): void;
}

export interface Story {
  text(): string;
  piece(): Piece | null;
  /** The text that a generation continues: all of it, or all before the last piece. */
  before(place: "end" | "piece"): string;
  write(place: "end" | "piece"): Writing;
  undo(): void;
  redo(): void;
  /** Makes the text this one, as one step of undo that touches only what differs. */
  replace(text: string): void;
  focus(): void;
  destroy(): void;
}

/** How near to the lower edge the end of the text may come, in pixels, before the page follows it. */
const MARGIN = 96;

export function createStory(parent: HTMLElement, options: StoryOptions): Story {
  // In a shadow root CodeMirror adopts style sheets in place of <style> elements, which the page's policy forbids.
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const view = new EditorView({ parent: root, root, state: createState(options) });
  options.onChange(factsOf(view.state), false);

  return {
    text: () => view.state.doc.toString(),
    piece: () => pieceOf(view.state),
    before: (place) => {
      const piece = place === "piece" ? pieceOf(view.state) : null;
      return piece ? view.state.sliceDoc(0, piece.from) : view.state.doc.toString();
    },
    write: (place) => write(view, place),
    undo: () => void undoStep(targetOf(view)),
    redo: () => void redoStep(targetOf(view)),
    replace: (text) => {
      const changes = difference(view.state.doc.toString(), oneLineEnd(text));
      if (changes) view.dispatch({ changes, userEvent: "input.replace" });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

/** The state of an editor, without anything on screen. */
export function createState(options: StoryOptions): EditorState {
  const text = oneLineEnd(options.text);
  const state = EditorState.create({
    doc: text,
    selection: { anchor: text.length },
    extensions: [history({ minDepth: 1000 }), pieceExtension, surface(options), keys(options), report(options)],
  });
  const { piece } = options;
  const isWithin = piece && piece.from >= 0 && piece.from < piece.to && piece.to <= state.doc.length;
  return isWithin ? state.update({ effects: setPieces.of({ now: piece, before: null, isHalf: false }) }).state : state;
}

/** The editor counts every line end as one character, so lengths agree only where it is one. */
function oneLineEnd(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** The smallest single replacement that turns one text into another, or null when they are the same. */
export function difference(old: string, text: string): { from: number; to: number; insert: string } | null {
  if (old === text) return null;
  const shorter = Math.min(old.length, text.length);
  let from = 0;
  while (from < shorter && old.charCodeAt(from) === text.charCodeAt(from)) from++;
  let tail = 0;
  while (tail < shorter - from && old.charCodeAt(old.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail))
    tail++;
  return { from, to: old.length - tail, insert: text.slice(from, text.length - tail) };
}

function targetOf(view: EditorView): Target {
  return {
    get state() {
      return view.state;
    },
    dispatch: (transactions) => view.update(transactions),
  };
}

function write(view: EditorView, place: "end" | "piece"): Writing {
  const take = new Take(targetOf(view), place);
  const gatherer = gather((text) => {
    const follows = isEndInSight(view);
    take.append(text);
    const end = pieceOf(view.state)?.to ?? view.state.doc.length;
    if (follows) view.dispatch({ effects: EditorView.scrollIntoView(end, { y: "nearest", yMargin: MARGIN }) });
  });
  const start = (place === "piece" ? pieceOf(view.state)?.to : null) ?? view.state.doc.length;
  view.dispatch({ effects: EditorView.scrollIntoView(start, { y: "nearest", yMargin: MARGIN }) });
  return {
    append: (text) => gatherer.push(text),
    finish: () => {
      gatherer.flush();
      take.finish();
    },
  };
}

/** Whether the reader looks at the place where text appears: only then does the page follow it. */
function isEndInSight(view: EditorView): boolean {
  const end = pieceOf(view.state)?.to ?? view.state.doc.length;
  const place = view.coordsAtPos(end);
  return place !== null && place.top < view.scrollDOM.getBoundingClientRect().bottom;
}

function surface(options: StoryOptions): Extension {
  return [
    theme,
    EditorView.lineWrapping,
    placeholder(options.placeholder),
    search({ top: true }),
    EditorView.contentAttributes.of({
      "aria-label": options.label,
      spellcheck: "true",
      autocorrect: "on",
      autocapitalize: "sentences",
    }),
  ];
}

function keys({ onUndo, onRedo }: StoryOptions): Extension {
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
        // The page's own: generate and retry.
        { key: "Mod-Enter", run: () => true },
        { key: "Mod-Shift-Enter", run: () => true },
      ]),
    ),
    keymap.of([...searchKeymap, ...standardKeymap]),
  ];
}

function report({ onChange }: StoryOptions): Extension {
  return EditorView.updateListener.of(({ state, transactions, docChanged }) => {
    if (transactions.length > 0) onChange(factsOf(state), docChanged);
  });
}

function factsOf(state: EditorState): StoryFacts {
  return {
    length: state.doc.length,
    canUndo: undoDepth(state) > 0,
    canRedo: redoDepth(state) > 0,
    canRetry: pieceOf(state) !== null,
  };
}
