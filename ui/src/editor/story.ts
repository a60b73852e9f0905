/** The story editor: plain text in, plain text out. Knows CodeMirror, and nothing of servers or storage. */

import { history } from "@codemirror/commands";
import { openSearchPanel } from "@codemirror/search";
import { type ChangeSet, EditorState, type StateEffect, type Text, Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

import { addModel, authorsExtension, lastPiece, type Runs, runsOf, setRuns, unreported } from "./authors";
import { addChances, type ChanceListener, chances, chancesIn, type Drawn, type Placed, showChances } from "./chances";
import { gather } from "./frames";
import { type Ghost, type GhostListener, ghostOf, ghosts, offer, setGhost } from "./ghost";
import { type Piece, pieceExtension, pieceOf, setPieces } from "./piece";
import { factsOf, keys, oneLineEnd, report, type StoryListener, surface } from "./surface";
import { redoStep, Take, type Target, undoStep } from "./take";

export type { Runs } from "./authors";
export type { Drawn, Placed } from "./chances";
export type { Ghost } from "./ghost";
export type { Piece } from "./piece";
export type { StoryFacts } from "./surface";

export interface StoryOptions extends StoryListener, ChanceListener, GhostListener {
  text: string;
  runs: Runs;
  /** Where the caret stands at first; the end of the text if null. */
  at?: number | null;
  /** Whether the place where text appears is on screen, while it does; only then does the page follow it. */
  onFollow?(isFollowing: boolean): void;
  /** The writer types where the text grows: the model has to stop. */
  onTakeover?(): void;
}

/** A generation that is being written; text appears with the next frame. */
export interface Writing {
  append(text: string): void;
  finish(): void;
}

export interface Story {
  text(): string;
  piece(): Piece | null;
  /** Which piece its words come from; empty where there is none. */
  pieceId(): string;
  /** The text that a generation continues: all of it, or all before the last piece. */
  before(place: "end" | "piece"): string;
  write(place: "end" | "piece", id: string): Writing;
  /** Another text in place of this one, without a way back; shown around the caret. */
  load(text: string, runs: Runs, at: number | null): void;
  /** What was changed elsewhere, or by an undo; `pieces` has the source of each new stretch. */
  applyRemote(changes: ChangeSet, pieces: readonly { from: number; to: number; piece: string }[], moves: boolean): void;
  /** One change of the writer's or of a piece, as one step. */
  insert(from: number, to: number, text: string, piece: string): void;
  /** Several changes of the writer's, in order, as one step. */
  replace(changes: readonly { from: number; to: number; insert: string }[]): void;
  length(): number;
  /** Who wrote what, for all of the text. */
  runs(): Runs;
  showEnd(): void;
  /** Heat by probability, and alternatives; shown or not. */
  showChances(isShown: boolean): void;
  /** The tokens of the last piece, as they were drawn. */
  addChances(tokens: readonly Drawn[]): void;
  /** The tokens in a stretch of the text with what could have stood there, while heat is shown. */
  chancesIn(from: number, to: number): readonly Placed[];
  /** Offers words at a place, or more of them; false once the writer has put them away. */
  offer(ghost: Ghost, isFirst: boolean): boolean;
  /** What is offered and not accepted yet. */
  ghost(): Ghost | null;
  dismissGhost(): void;
  /** Where the caret stands. */
  caret(): number;
  /** Puts the caret to a place, and shows it. */
  go(at: number): void;
  /** Opens the search and the replacement of words, as its key does. */
  find(): void;
  undo(): void;
  redo(): void;
  focus(): void;
  destroy(): void;
}

/** How near to the lower edge the end of the text may come, in pixels, before the page follows it. */
const MARGIN = 96;

export function createStory(parent: HTMLElement, options: StoryOptions): Story {
  // In a shadow root CodeMirror adopts style sheets in place of <style> elements, which the page's policy forbids.
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const state = createState(options);
  const view = new EditorView({ parent: root, root, state, scrollTo: aroundCaret(state) });
  options.onChange(factsOf(view.state), false);

  return {
    text: () => textOf(view.state.doc),
    length: () => view.state.doc.length,
    runs: () => runsOf(view.state, 0, view.state.doc.length),
    piece: () => pieceOf(view.state),
    pieceId: () => {
      const piece = pieceOf(view.state);
      return (piece && runsOf(view.state, piece.from, piece.to).find(([, id]) => id !== "")?.[1]) ?? "";
    },
    before: (place) => {
      const piece = place === "piece" ? pieceOf(view.state) : null;
      return piece ? view.state.sliceDoc(0, piece.from) : textOf(view.state.doc);
    },
    write: (place, id) => write(view, place, id, options),
    undo: () => void undoStep(targetOf(view)),
    redo: () => void redoStep(targetOf(view)),
    load: (text, runs, at) => {
      view.setState(createState({ ...options, text, runs, at }));
      view.dispatch({ effects: aroundCaret(view.state), annotations: quiet });
      options.onChange(factsOf(view.state), true);
    },
    applyRemote: (changes, pieces, moves) => applyRemote(view, changes, pieces, moves),
    insert: (from, to, text, piece) => {
      const insert = oneLineEnd(text);
      const end = from + insert.length;
      const effects = piece === "" ? [] : [addModel.of({ from, to: end, piece }), setPieces.of({ now: { from, to: end }, before: null, isHalf: false })];
      view.dispatch({ changes: { from, to, insert }, effects, userEvent: "input.replace", scrollIntoView: true });
    },
    replace: (changes) => view.dispatch({ changes, userEvent: "input.replace", scrollIntoView: true }),
    showEnd: () => {
      const end = pieceOf(view.state)?.to ?? view.state.doc.length;
      view.dispatch({ effects: EditorView.scrollIntoView(end, { y: "nearest", yMargin: MARGIN }) });
    },
    showChances: (isShown) => {
      showChances(view, isShown);
      options.onChange(factsOf(view.state), false);
    },
    addChances: (tokens) => {
      addChances(view, tokens);
      options.onChange(factsOf(view.state), false);
    },
    chancesIn: (from, to) => chancesIn(view.state, from, to),
    offer: (ghost, isFirst) => offer(view, ghost, isFirst),
    ghost: () => ghostOf(view.state),
    dismissGhost: () => view.dispatch({ effects: setGhost.of(null) }),
    caret: () => view.state.selection.main.head,
    go: (at) => {
      const anchor = Math.min(at, view.state.doc.length);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "start", yMargin: MARGIN }) });
      view.focus();
    },
    find: () => void openSearchPanel(view),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

let joined: { doc: Text; text: string } | null = null;

/** A document as one string. It is asked for again and again between two changes, and long stories take long to join. */
function textOf(doc: Text): string {
  if (joined?.doc !== doc) joined = { doc, text: doc.toString() };
  return joined.text;
}

/** The state of an editor, without anything on screen. */
export function createState(options: StoryOptions): EditorState {
  const { text } = options;
  const state = EditorState.create({
    doc: text,
    selection: { anchor: Math.min(options.at ?? text.length, text.length) },
    extensions: [
      history({ minDepth: 1000 }),
      pieceExtension,
      authorsExtension,
      takeover,
      chances(options),
      ghosts(options),
      surface(options),
      keys(options),
      report(options),
    ],
  });
  const sources = state.update({ effects: setRuns.of(options.runs), annotations: quiet }).state;
  const now = lastPiece(sources);
  return now ? sources.update({ effects: setPieces.of({ now, before: null, isHalf: false }), annotations: quiet }).state : sources;
}

/** Shows where the caret is: in the middle, or behind the last word as far down as it goes, so that a short text shows its beginning. */
function aroundCaret({ selection, doc }: EditorState): StateEffect<unknown> {
  const { head } = selection.main;
  return EditorView.scrollIntoView(head, head === doc.length ? { y: "nearest", yMargin: MARGIN } : { y: "center" });
}

const quiet = [Transaction.addToHistory.of(false), unreported.of(true)];

/** Takes over what was changed elsewhere. An undo also moves the caret there; what others do moves nothing. */
function applyRemote(
  view: EditorView,
  changes: ChangeSet,
  pieces: readonly { from: number; to: number; piece: string }[],
  moves: boolean,
): void {
  let end = -1;
  changes.iterChangedRanges((_a, _b, _from, to) => (end = to));
  view.dispatch({
    changes,
    effects: pieces.filter(({ piece }) => piece !== "").map((stretch) => addModel.of(stretch)),
    annotations: [...quiet, Transaction.remote.of(true)],
    ...(moves && end >= 0 ? { selection: { anchor: end }, scrollIntoView: true } : {}),
  });
  const now = lastPiece(view.state);
  view.dispatch({ effects: setPieces.of({ now, before: null, isHalf: false }), annotations: quiet });
}

function targetOf(view: EditorView): Target {
  return {
    get state() {
      return view.state;
    },
    dispatch: (transactions) => view.update(transactions),
  };
}

function write(view: EditorView, place: "end" | "piece", id: string, options: StoryOptions): Writing {
  const take = new Take(targetOf(view), place, id);
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    gatherer.flush();
    isOver = true;
    take.finish();
  };
  const gatherer = gather(
    (text) => {
      if (isOver) return;
      const follows = isEndInSight(view);
      options.onFollow?.(follows);
      take.append(text);
      const end = pieceOf(view.state)?.to ?? view.state.doc.length;
      if (follows) view.dispatch({ effects: EditorView.scrollIntoView(end, { y: "nearest", yMargin: MARGIN }) });
    },
    undefined,
    () => !isComposingAtEnd(view),
  );
  const start = (place === "piece" ? pieceOf(view.state)?.to : null) ?? view.state.doc.length;
  view.dispatch({ effects: EditorView.scrollIntoView(start, { y: "nearest", yMargin: MARGIN }) });
  takeovers.set(view, () => {
    finish();
    options.onTakeover?.();
  });
  return {
    append: (text) => gatherer.push(text),
    finish: () => {
      finish();
      takeovers.delete(view);
    },
  };
}

/** What ends the stream of an editor, while there is one. */
const takeovers = new WeakMap<EditorView, () => void>();

/** The first key at the growing end stops the model, and lands behind what had come: two hands in one place make garbage. */
const takeover = EditorView.inputHandler.of((view, from, to) => {
  const end = takeovers.get(view);
  if (end && from === to && from === pieceOf(view.state)?.to) end();
  return false;
});

/** An input method must not have its paragraph changed under it. */
function isComposingAtEnd(view: EditorView): boolean {
  if (!view.composing) return false;
  const end = pieceOf(view.state)?.to ?? view.state.doc.length;
  return view.state.doc.lineAt(view.state.selection.main.head).number === view.state.doc.lineAt(end).number;
}

/** Whether the reader looks at the place where text appears: only then does the page follow it. */
function isEndInSight(view: EditorView): boolean {
  // Behind turns the editor is not drawn, and what it last measured is of an older text.
  if (view.dom.getClientRects().length === 0) return false;
  const end = pieceOf(view.state)?.to ?? view.state.doc.length;
  const place = view.coordsAtPos(end);
  return place !== null && place.top < view.scrollDOM.getBoundingClientRect().bottom;
}
