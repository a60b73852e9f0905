/** What pressing Generate costs, as a sentence's parts, and why the machine reads again. Pure. */

import type { Places } from "../api/stories";
import type { Plan, Segment } from "../api/types";

export type Cause =
  | { kind: "trimmed" | "note" | "memory" | "character" | "text" | "other" }
  | { kind: "lore"; id: string };

/** What takes away a cause, for good or from the next piece on. */
export type Remedy = { kind: "always"; id: string } | { kind: "note"; depth: number };

export interface Price {
  kind: "once" | "new" | "again";
  /** Tokens to be read. */
  tokens: number;
  /** null while the speed of reading is not known. */
  seconds: number | null;
  cause: Cause | null;
}

/** Where the author's note stands if nothing else is said, in paragraphs from the end. */
export const NOTE_DEPTH = 3;

/** Tokens that are read in no time at all: the last one of a prompt is always read. */
const FEW = 1;

/**
 * @param now What would be sent.
 * @param last What was sent last, or null when nothing was.
 */
export function priceOf(plan: Plan, now: readonly Segment[], last: readonly Segment[] | null): Price {
  const tokens = plan.tokens - plan.cached;
  if (tokens <= FEW) return { kind: "once", tokens, seconds: 0, cause: null };
  const cause = last ? causeOf(now, last) : null;
  return { kind: cause ? "again" : "new", tokens, seconds: plan.seconds, cause };
}

/** What a writer can do against a cause; null where nothing helps but what was there before. */
export function remedyOf(cause: Cause | null, places: Pick<Places, "lore" | "note">): Remedy | null {
  if (cause?.kind === "lore" && places.lore[cause.id] && places.lore[cause.id]?.constant !== true) return { kind: "always", id: cause.id };
  const depth = typeof places.note.depth === "number" ? places.note.depth : NOTE_DEPTH;
  return cause?.kind === "note" && depth > 1 ? { kind: "note", depth: 1 } : null;
}

/** Why what was sent last is no beginning of what would be sent now; null where it is. */
export function causeOf(now: readonly Segment[], last: readonly Segment[]): Cause | null {
  for (const [index, old] of last.entries()) {
    const segment = now[index];
    if (!segment) return { kind: "other" };
    const isLast = index === last.length - 1;
    if (segment.text === old.text || (isLast && segment.text.startsWith(old.text))) continue;
    return differenceOf(segment, old, now);
  }
  return null;
}

function differenceOf(segment: Segment, old: Segment, now: readonly Segment[]): Cause | null {
  const odd = segment.kind === old.kind && segment.id === old.id ? segment : isGone(old, now) ? old : segment;
  if (odd.kind === "lore") return { kind: "lore", id: odd.id };
  if (odd.kind === "note") return { kind: "note" };
  if (odd.kind === "memory") return { kind: "memory" };
  if (odd.kind === "character" || odd.kind === "persona" || odd.kind === "examples") return { kind: "character" };
  if (segment.start !== old.start) return { kind: "trimmed" };
  return { kind: "text" };
}

function isGone({ kind, id }: Segment, now: readonly Segment[]): boolean {
  return !now.some((segment) => segment.kind === kind && segment.id === id);
}

export interface Share extends Segment {
  /** How many of its tokens are in memory. */
  cached: number;
}

/** The segments with what of each is in memory; their tokens counted apart may differ a little from the whole. */
export function sharesOf(segments: readonly Segment[], cached: number): Share[] {
  let left = cached;
  return segments.map((segment) => {
    const mine = Math.max(0, Math.min(segment.tokens, left));
    left -= segment.tokens;
    return { ...segment, cached: mine };
  });
}
