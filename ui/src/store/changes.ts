/** What is sent next beside what was sent last, segment by segment: where the common beginning ends, and why. Pure. */

import type { Segment } from "../api/types";
import { align, type Part } from "../journal/words";
import { compareTexts } from "./branches";

/** "longer": the same text, and more behind it; "moved": the same text at another place. */
export type ChangeKind = "same" | "longer" | "changed" | "moved" | "new" | "gone";

export interface Change {
  kind: ChangeKind;
  /** As it is now; of a segment that is gone, as it was. */
  segment: Segment;
  /** From what was sent to what is sent, around the first difference; empty where nothing differs. */
  parts: readonly Part[];
  /** From this one on nothing of what was sent last can be used again. */
  isBreak: boolean;
}

/** Characters before the end of a text that are shown where it only grew. */
const SHOWN = 200;

type Keyed = readonly [key: string, segment: Segment];

interface Pair {
  kind: ChangeKind;
  /** As it is now; of a segment that is gone, as it was. */
  segment: Segment;
  was: Segment | undefined;
}

/** All segments of now in their order, with those that are gone where they stood. */
export function changesOf(now: readonly Segment[], last: readonly Segment[]): Change[] {
  return marked(paired(now, last).map(compared));
}

/** What became of each segment of now since the last request, without a comparison of their words. */
export function kindsOf(now: readonly Segment[], last: readonly Segment[]): ChangeKind[] {
  return paired(now, last).map(({ kind }) => kind).filter((kind) => kind !== "gone");
}

function paired(now: readonly Segment[], last: readonly Segment[]): Pair[] {
  const [after, before] = [keyed(now), keyed(last)];
  const old = new Map(before);
  const current = new Map(after);
  return align(before.map(([key]) => key), after.map(([key]) => key)).flatMap(({ kind, text: key }): Pair[] => {
    const [segment, was] = [current.get(key), old.get(key)];
    if (!segment) return was ? [{ kind: "gone", segment: was, was }] : [];
    if (kind === "removed") return []; // it stands elsewhere
    return [{ kind: was ? kindOf(segment, was, kind === "added") : "new", segment, was }];
  });
}

function kindOf(segment: Segment, was: Segment, isMoved: boolean): ChangeKind {
  if (segment.text === was.text) return isMoved ? "moved" : "same";
  return !isMoved && segment.text.startsWith(was.text) ? "longer" : "changed";
}

/** A name for each segment; the text of a story may be sent in several, which count from its end, where they are cut. */
function keyed(segments: readonly Segment[]): Keyed[] {
  const seen = new Map<string, number>();
  return segments
    .toReversed()
    .map((segment): Keyed => {
      const name = `${segment.kind} ${segment.id}`;
      const count = seen.get(name) ?? 0;
      seen.set(name, count + 1);
      return [`${name} ${String(count)}`, segment];
    })
    .reverse();
}

function compared({ kind, segment, was }: Pair): Change {
  return { kind, segment, parts: partsOf(kind, was?.text ?? "", segment.text), isBreak: false };
}

function partsOf(kind: ChangeKind, old: string, now: string): readonly Part[] {
  if (kind === "gone") return [{ kind: "removed", text: now }];
  if (kind === "new") return [{ kind: "added", text: now }];
  if (kind === "changed") return compareTexts(old, now);
  if (kind === "longer") return [{ kind: "same", text: old.slice(-SHOWN) }, { kind: "added", text: now.slice(old.length) }];
  return [];
}

/** The first that is not as it was ends what can be used again; text that grew at the very end does not. */
function marked(rows: readonly Change[]): Change[] {
  const first = rows.findIndex(({ kind }) => kind !== "same");
  const isGrowth = rows[first]?.kind === "longer" && rows.slice(first + 1).every(({ kind }) => kind === "new");
  const isAppended = rows[first]?.kind === "new" && rows.slice(first).every(({ kind }) => kind === "new");
  return rows.map((one, index) => (index === first && !isGrowth && !isAppended ? { ...one, isBreak: true } : one));
}
