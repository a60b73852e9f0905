/** Changes of one place beside the text that were made here and elsewhere at once: joined as far as both can stand. Pure. */

import type { Recorded } from "../api/stories";
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
  const theirs = new Map(others.flatMap((record) => ("place" in record ? [[record.place, record] as const] : [])));
  const met = new Set<string>();
  const join = (entry: OtherEntry): OtherEntry => {
    const { operation, was } = entry;
    const other = "place" in operation ? theirs.get(operation.place) : undefined;
    if (!other) return entry;
    const value = other.kind === "put" ? other.value : undefined;
    if (operation.kind !== "put" || value === undefined) {
      if (operation.kind !== other.kind) met.add(other.place);
      return { ...entry, was: value };
    }
    const joined = joinedValue(was, value, operation.value);
    if (!joined.isWhole) met.add(other.place);
    return { ...entry, was: value, operation: { ...operation, value: joined.value } };
  };
  return { ours: ours.map((entry) => (entry.kind === "other" ? join(entry) : entry)), met: [...met] };
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

/** Both changes of a text; null where they are of the same letters. */
function joinedText(was: string, theirs: string, ours: string): string | null {
  const [first, second] = [difference(was, theirs), difference(was, ours)];
  if (!first || !second) return null;
  const [before, after] = first.to <= second.from ? [first, second] : [second, first];
  if (before.to > after.from) return null;
  return was.slice(0, before.from) + before.insert + was.slice(before.to, after.from) + after.insert + was.slice(after.to);
}

type Fields = Readonly<Record<string, unknown>>;

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
