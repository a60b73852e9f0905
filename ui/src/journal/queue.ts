/**
 * What was done here and is not acknowledged: pure bookkeeping. Edits are kept as change sets, so that what others did
 * meanwhile can be moved past them, and they past that.
 */

import { ChangeSet, Text } from "@codemirror/state";

import type { Change, Operation, Recorded, Sent } from "../api/stories";

export interface EditEntry {
  kind: "edit";
  id: string;
  unit: string;
  branch: string;
  changes: ChangeSet;
  /** Where the new text comes from: the id of a piece, or "" for the writer. */
  piece: string;
}

export interface OtherEntry {
  kind: "other";
  id: string;
  unit: string;
  /** What stood at its place before; undefined for nothing, or where that is not known. */
  was?: unknown;
  operation: Exclude<Operation, { kind: "edit" }>;
}

export type Entry = EditEntry | OtherEntry;

/** An operation as it is sent. */
export function toSent(entry: Entry): Sent {
  if (entry.kind === "other") return { ...entry.operation, id: entry.id, unit: entry.unit };
  return { kind: "edit", branch: entry.branch, changes: changesOf(entry), id: entry.id, unit: entry.unit };
}

function changesOf({ changes, piece }: EditEntry): Change[] {
  const list: Change[] = [];
  changes.iterChanges((from, to, _fromB, _toB, inserted) => {
    const insert = inserted.sliceString(0);
    list.push({ from, to, insert, ...(piece !== "" && insert !== "" ? { piece } : {}) });
  });
  return list;
}

/** A change of the server's as a change set of a text of this length. */
export function toChangeSet(changes: readonly Change[], length: number): ChangeSet {
  const specs = changes.map(({ from, to, insert }) => ({ from, to, insert: Text.of(insert.split("\n")) }));
  return ChangeSet.of(specs, length);
}

/** Adds an edit; one that goes on with the last unsent one of the same step and source becomes part of it. */
export function added(queue: readonly Entry[], entry: Entry): Entry[] {
  const last = queue.at(-1);
  const goesOn =
    last?.kind === "edit" &&
    entry.kind === "edit" &&
    last.unit === entry.unit &&
    last.branch === entry.branch &&
    last.piece === entry.piece;
  if (!goesOn) {
    const isSamePlace = last?.kind === "other" && entry.kind === "other" && isSamePut(last.operation, entry.operation);
    return isSamePlace && last.unit === entry.unit ? [...queue.slice(0, -1), { ...entry, id: last.id, was: last.was }] : [...queue, entry];
  }
  return [...queue.slice(0, -1), { ...last, changes: last.changes.compose(entry.changes) }];
}

function isSamePut(a: Operation, b: Operation): boolean {
  return a.kind === "put" && b.kind === "put" && a.place === b.place;
}

/** What others did, as it is after ours, and ours as they are after that. */
export function crossed(theirs: ChangeSet, branch: string, ours: readonly Entry[]): { theirs: ChangeSet; ours: Entry[] } {
  let remote = theirs;
  const moved = ours.map((entry) => {
    if (entry.kind !== "edit" || entry.branch !== branch) return entry;
    const changes = entry.changes.map(remote);
    remote = remote.map(entry.changes, true);
    return { ...entry, changes };
  });
  return { theirs: remote, ours: moved };
}

/** UTF-16 units, more than any text has: where edits are moved past each other only their places count, not where the text ends. */
const FAR = 2 ** 30;

/** The length of a branch's text before ours: what others did stands on that. undefined where none of ours is in it. */
export function lengthBefore(branch: string, ours: readonly Entry[]): number | undefined {
  return ours.find((entry): entry is EditEntry => entry.kind === "edit" && entry.branch === branch)?.changes.length;
}

/** Operations in terms of a text in which others did something since, without those that are among that. */
export function movedPast(since: readonly Recorded[], operations: readonly Sent[]): Sent[] {
  let entries = entriesOf(operations);
  for (const record of since) {
    const next = entries.filter(({ id }) => id !== record.id);
    const isOurs = next.length < entries.length;
    entries = next;
    if (isOurs || record.kind !== "edit") continue;
    const length = lengthBefore(record.branch, entries);
    if (length !== undefined) entries = crossed(toChangeSet(record.changes, length), record.branch, entries).ours;
  }
  return entries.map(toSent);
}

function entriesOf(operations: readonly Sent[]): Entry[] {
  const lengths = new Map<string, number>();
  return operations.map((sent) => {
    const { id, unit, ...operation } = sent;
    if (operation.kind !== "edit") return { kind: "other", id, unit, operation };
    const { branch } = operation;
    const changes = toChangeSet(operation.changes, lengths.get(branch) ?? FAR);
    lengths.set(branch, changes.newLength);
    return { kind: "edit", id, unit, branch, changes, piece: operation.changes.find(({ piece }) => piece)?.piece ?? "" };
  });
}

/** So many operations are sent at a time: the server takes twice as many. */
const MOST = 1000;
/** And so many characters of them as JSON, of which one may take three bytes: the server takes 32 MiB. */
const MOST_CHARACTERS = 4 << 20;

/** What is sent now, and what after it; an operation that is larger than that is sent by itself. */
export function inParts<T>(all: readonly T[], sent: (one: T) => Sent): [T[], T[]] {
  let [count, size] = [0, 0];
  for (const one of all.slice(0, MOST)) {
    size += JSON.stringify(sent(one)).length;
    if (count > 0 && size > MOST_CHARACTERS) break;
    count += 1;
  }
  return [all.slice(0, count), all.slice(count)];
}
