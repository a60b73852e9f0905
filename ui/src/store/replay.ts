/** A story with what this browser kept of it: words that the server has not taken yet stand in the text all the same. Pure. */

import type { Change, Operation, Runs, Sent, StoryState } from "../api/stories";
import { type Entry, toChangeSet } from "../journal/queue";
import { runsIn } from "./cherry";
import type { Written } from "./opened";
import { withOperation } from "./places";

/** @param left Operations on this very state, in order. */
export function replayed(state: StoryState, left: readonly Sent[]): { state: StoryState; entries: Entry[] } {
  let now = state;
  const entries: Entry[] = [];
  for (const sent of left) {
    entries.push(entryOf(now, sent));
    now = after(now, sent);
  }
  return { state: now, entries };
}

function entryOf({ branches }: StoryState, { id, unit, ...operation }: Sent): Entry {
  if (operation.kind !== "edit") return { kind: "other", id, unit, operation };
  const { branch, changes } = operation;
  const piece = changes.find((change) => change.piece)?.piece ?? "";
  return { kind: "edit", id, unit, branch, piece, changes: toChangeSet(changes, branches[branch]?.text.length ?? 0) };
}

function after(state: StoryState, operation: Operation): StoryState {
  if (operation.kind === "select") return { ...state, selected: operation.branch };
  const { branches } = state;
  if (operation.kind === "edit") {
    const { branch, changes } = operation;
    const old = branches[branch];
    return old ? { ...state, branches: { ...branches, [branch]: { ...old, ...edited(old, changes) } } } : state;
  }
  const next = withOperation({ places: state, branches }, operation);
  const now = { ...state, ...next.places, branches: next.branches };
  if (operation.kind !== "branch" || operation.text !== undefined) return now;
  const parent = branches[operation.parent] ?? { text: "", runs: [] };
  const end = operation.at ?? parent.text.length;
  const begun = { text: parent.text.slice(0, end), runs: runsIn(parent.runs, 0, end) };
  return { ...now, branches: { ...now.branches, [operation.branch]: { ...now.branches[operation.branch], ...begun } } };
}

/** A text with its sources after an edit; all positions are of the text before. */
export function edited({ text, runs }: Written, changes: readonly Change[]): Written {
  let [at, made] = [0, ""];
  const sources: (readonly [number, string])[] = [];
  for (const { from, to, insert, piece, runs: own } of changes) {
    made += text.slice(at, from) + insert;
    sources.push(...runsIn(runs, at, from), ...(own ?? [[insert.length, piece ?? ""] as const]));
    at = to;
  }
  sources.push(...runsIn(runs, at, text.length));
  return { text: made + text.slice(at), runs: joined(sources) };
}

function joined(runs: Runs): Runs {
  const all: [number, string][] = [];
  for (const [length, piece] of runs) {
    const last = all.at(-1);
    if (length === 0) continue;
    if (last?.[1] === piece) last[0] += length;
    else all.push([length, piece]);
  }
  return all;
}
