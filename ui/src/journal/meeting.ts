/** Changes of one place beside the text that were made here and elsewhere at once: joined as far as both can stand. Pure. */

import type { Operation, Recorded } from "../api/stories";
import { difference } from "./difference";
import type { Entry, OtherEntry } from "./queue";

export interface Joined {
  value: unknown;
  /** Whether all of both is in it; else what was done here stands in place of the other. */
  isWhole: boolean;
}

/** What of it is not ours; null where nothing is, or where both changed a text. */
export function othersIn(since: readonly Recorded[], ours: readonly Entry[]): Recorded[] | null {
  const others = since.filter(({ id }) => ours.every((entry) => entry.id !== id));
  const meets = (record: Recorded): boolean => record.kind === "edit" && ours.some((entry) => entry.kind === "edit" && entry.branch === record.branch);
  return others.length === 0 || others.some(meets) ? null : others;
}

/**
 * What was done here in terms of what others did since.
 *
 * @returns The same entries, and the places where something of the others' does not stand any more.
 */
export function joinedWith(others: readonly Recorded[], ours: readonly Entry[]): { ours: Entry[]; met: string[] } {
  // What stands at each place by now: after each of ours, the next one is joined with that.
  const now = new Map<string, unknown>(others.flatMap((record) => ("place" in record ? [[record.place, valueOf(record)] as const] : [])));
  const met = new Set<string>();
  const join = (entry: OtherEntry): OtherEntry => {
    const { operation, was } = entry;
    if (!("place" in operation) || !now.has(operation.place)) return entry;
    const theirs = now.get(operation.place);
    const { value, isWhole } = joinedOrGone(was, theirs, valueOf(operation));
    if (!isWhole) met.add(operation.place);
    now.set(operation.place, value);
    return { ...entry, was: theirs, operation: operation.kind === "put" ? { ...operation, value } : operation };
  };
  return { ours: ours.map((entry) => (entry.kind === "other" ? join(entry) : entry)), met: [...met] };
}

/** What is left after it at its place; undefined where it takes it out. */
function valueOf(operation: Operation): unknown {
  return operation.kind === "put" ? operation.value : undefined;
}

/** As `joinedValue`; where one of both took it out, what was done here stands. */
function joinedOrGone(was: unknown, theirs: unknown, ours: unknown): Joined {
  if (theirs !== undefined && ours !== undefined) return joinedValue(was, theirs, ours);
  return { value: ours, isWhole: isEqual(theirs, ours) || isEqual(was, theirs) };
}

/** @param was What both began with. */
export function joinedValue(was: unknown, theirs: unknown, ours: unknown): Joined {
  if (isEqual(was, ours) || isEqual(theirs, ours)) return { value: theirs, isWhole: true };
  if (isEqual(was, theirs)) return { value: ours, isWhole: true };
  if (isList(theirs) && isList(ours)) return { value: joinedList(isList(was) ? was : [], theirs, ours), isWhole: true };
  if (isObject(theirs) && isObject(ours)) return joinedObject(isObject(was) ? was : {}, theirs, ours);
  const both = typeof theirs === "string" && typeof ours === "string" ? joinedText(typeof was === "string" ? was : "", theirs, ours) : null;
  return both === null ? { value: ours, isWhole: false } : { value: both, isWhole: true };
}

function joinedObject(was: Fields, theirs: Fields, ours: Fields): Joined {
  const names = Object.keys({ ...theirs, ...ours });
  const fields = names.map((name) => [name, joinedValue(was[name], theirs[name], ours[name])] as const);
  const value = Object.fromEntries(fields.flatMap(([name, one]) => (one.value === undefined ? [] : [[name, one.value]])));
  return { value, isWhole: fields.every(([, { isWhole }]) => isWhole) };
}

/** Theirs, without what was taken out here, and with what was added here. */
function joinedList(was: readonly unknown[], theirs: readonly unknown[], ours: readonly unknown[]): unknown[] {
  const has = (list: readonly unknown[], one: unknown): boolean => list.some((other) => isEqual(one, other));
  const left = theirs.filter((one) => has(ours, one) || !has(was, one));
  return [...left, ...ours.filter((one) => !has(was, one) && !has(left, one))];
}

/** Both changes of a text; null where they are of the same letters, or of a name: a mode is chosen, not written. */
function joinedText(was: string, theirs: string, ours: string): string | null {
  if (isName(was)) return null;
  const [first, second] = [difference(was, theirs), difference(was, ours)];
  if (!first || !second) return null;
  const [before, after] = first.to <= second.from ? [first, second] : [second, first];
  if (before.to > after.from) return null;
  return was.slice(0, before.from) + before.insert + was.slice(before.to, after.from) + after.insert + was.slice(after.to);
}

/** Nothing, a word of a fixed set, an id, an address: what has no spaces and is not of another script, whose texts may have none. */
const isName = (text: string): boolean => /^[!-~]*$/.test(text);

type Fields = Readonly<Record<string, unknown>>;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
