/** How likely each word of a model was, and what could have stood there: heat on the text, alternatives on hover or by key. */

import { type EditorState, type Extension, Prec, type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, hoverTooltip, keymap, showTooltip, type Tooltip } from "@codemirror/view";

import { pieceOf } from "./piece";

export interface Alternative {
  text: string;
  /** Natural logarithm of the probability. */
  logprob: number;
}

/** A token that was drawn, with the likeliest that could have been. */
export interface Drawn extends Alternative {
  top: readonly Alternative[];
}

export interface ChanceListener {
  /** Whether heat is shown at first. */
  isHeatShown?(): boolean;
  /** Another course of the text is wanted: at this place with that token. */
  onAlternative?(at: number, text: string): void;
  /** A token and its chance in words, and what the list is called. */
  chanceWords?(text: string, percent: number): string;
  chanceLabel?: string;
}

export interface Placed {
  from: number;
  to: number;
  token: Drawn;
}

/** How far a token may stand behind the one before it: what a stop or a space took away. */
const GAP = 12;

/** Where tokens stand in a text; those that are cut in a character, or that somebody changed, stand nowhere. */
export function placed(tokens: readonly Drawn[], text: string): Placed[] {
  const found: Placed[] = [];
  let at = 0;
  for (const token of tokens) {
    // A space in front may have been in the text already.
    const words = at === 0 && !text.startsWith(token.text) ? token.text.trimStart() : token.text;
    const from = words === "" || words.includes("\ufffd") ? -1 : text.indexOf(words, at);
    if (from < 0 || from - at > GAP) continue;
    at = from + words.length;
    found.push({ from, to: at, token });
  }
  return found;
}

/** Least probability of each level of heat, the coolest first; a likelier token has none. */
const LEVELS = [0.5, 0.2, 0.05, 0] as const;

export function heatOf(logprob: number): number {
  const probability = Math.exp(logprob);
  return probability >= 0.9 ? 0 : 1 + LEVELS.findIndex((least) => probability >= least);
}

const add = StateEffect.define<readonly Placed[]>();
const show = StateEffect.define<boolean>();
const ask = StateEffect.define<number | null>();

interface Chances {
  isShown: boolean;
  marks: DecorationSet;
}

const field = StateField.define<Chances>({
  create: () => ({ isShown: false, marks: Decoration.none }),
  update({ isShown, marks }, { changes, effects }) {
    let now = { isShown, marks: marks.map(changes) };
    for (const effect of effects) {
      if (effect.is(show)) now = { ...now, isShown: effect.value };
      if (effect.is(add)) now = { ...now, marks: now.marks.update({ add: effect.value.map(markOf), sort: true }) };
    }
    return now;
  },
  provide: (self) => EditorView.decorations.from(self, ({ isShown, marks }) => (isShown ? marks : Decoration.none)),
});

function markOf({ from, to, token }: Placed): Range<Decoration> {
  return Decoration.mark({ class: `heat${String(heatOf(token.logprob))}`, token }).range(from, to);
}

/** The token at a place, or right before it. */
export function tokenAt(state: EditorState, at: number): Placed | null {
  const { isShown, marks } = state.field(field);
  let found: Placed | null = null;
  if (isShown)
    marks.between(Math.max(0, at - 1), at, (from, to, value) => {
      if (from <= at && to >= at) found = { from, to, token: (value.spec as { token: Drawn }).token };
    });
  return found;
}

/** The tokens that stand within a stretch of the text, in order; none while heat is not shown. */
export function chancesIn(state: EditorState, from: number, to: number): Placed[] {
  const { isShown, marks } = state.field(field);
  const found: Placed[] = [];
  if (isShown)
    marks.between(from, to, (start, end, value) => {
      if (start >= from && end <= to) found.push({ from: start, to: end, token: (value.spec as { token: Drawn }).token });
    });
  return found;
}

/** The list that was asked for by key, at a token. */
const asked = StateField.define<Tooltip | null>({
  create: () => null,
  update(tooltip, { effects, docChanged, state }) {
    for (const effect of effects) if (effect.is(ask)) return effect.value === null ? null : tooltipAt(state, effect.value, true);
    return docChanged ? null : tooltip;
  },
  provide: (self) => showTooltip.from(self),
});

const listeners = new WeakMap<EditorView, ChanceListener>();

function tooltipAt(state: EditorState, at: number, takesFocus: boolean): Tooltip | null {
  const found = tokenAt(state, at);
  if (!found) return null;
  const { from, to, token } = found;
  return {
    pos: from,
    end: to,
    above: true,
    create: (view) => {
      const dom = list(view, from, token);
      return { dom, mount: () => void (takesFocus && dom.querySelector<HTMLElement>("button:not(:disabled)")?.focus()) };
    },
  };
}

function list(view: EditorView, at: number, token: Drawn): HTMLElement {
  const { onAlternative, chanceWords, chanceLabel = "" } = listeners.get(view) ?? {};
  const dom = document.createElement("div");
  dom.className = "chances";
  dom.setAttribute("role", "group");
  dom.setAttribute("aria-label", chanceLabel);
  const others = token.top.some(({ text }) => text === token.text) ? token.top : [token, ...token.top];
  for (const { text, logprob } of others) {
    const button = dom.appendChild(document.createElement("button"));
    const percent = 100 * Math.exp(logprob);
    button.type = "button";
    button.textContent = chanceWords?.(text, percent) ?? text;
    button.disabled = text === token.text;
    button.addEventListener("click", () => {
      close(view);
      onAlternative?.(at, text);
    });
  }
  dom.addEventListener("keydown", (event) => onKey(event, view, dom));
  return dom;
}

function onKey(event: KeyboardEvent, view: EditorView, dom: HTMLElement): void {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
  const step = steps[event.key];
  if (event.key === "Escape") close(view);
  else if (step !== undefined) {
    const buttons = [...dom.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
    const now = buttons.findIndex((button) => button.matches(":focus"));
    buttons[(now + step + buttons.length) % buttons.length]?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function close(view: EditorView): void {
  view.dispatch({ effects: ask.of(null) });
  view.focus();
}

/** Shows heat, or not. */
export function showChances(view: EditorView, isShown: boolean): void {
  if (view.state.field(field).isShown !== isShown) view.dispatch({ effects: show.of(isShown) });
}

/** Keeps the tokens of the last piece. */
export function addChances(view: EditorView, tokens: readonly Drawn[]): void {
  const piece = pieceOf(view.state);
  if (!piece) return;
  const found = placed(tokens, view.state.sliceDoc(piece.from, piece.to));
  view.dispatch({ effects: add.of(found.map(({ from, to, token }) => ({ from: from + piece.from, to: to + piece.from, token }))) });
}

export function chances(listener: ChanceListener): Extension {
  return [
    field.init(() => ({ isShown: listener.isHeatShown?.() ?? false, marks: Decoration.none })),
    asked,
    EditorView.updateListener.of(({ view }) => void listeners.set(view, listener)),
    hoverTooltip((view, at) => {
      listeners.set(view, listener);
      return tooltipAt(view.state, at, false);
    }),
    Prec.high(
      keymap.of([
        {
          key: "Mod-i",
          run: (view) => {
            listeners.set(view, listener);
            const at = view.state.selection.main.head;
            if (!tokenAt(view.state, at)) return false;
            view.dispatch({ effects: ask.of(at) });
            return true;
          },
        },
      ]),
    ),
  ];
}
