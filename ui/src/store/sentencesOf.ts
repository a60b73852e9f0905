/** Causes and verdicts as whole sentences, the same wherever they are shown. */

import type { Segment, Verdict } from "../api/types";
import { say } from "../words/words.svelte";
import type { Places } from "./book.svelte";
import { cardOf } from "./cards";
import type { Cause } from "./price";

export function causeWords(cause: Cause, places: Places): string {
  const t = say();
  switch (cause.kind) {
    case "lore":
      return t.causeLore(nameOf(cause.id, places));
    case "trimmed":
      return t.causeTrimmed;
    case "note":
      return t.causeNote;
    case "memory":
      return t.causeMemory;
    case "character":
      return t.causeCharacter;
    case "text":
      return t.causeText;
    default:
      return "";
  }
}

/** What a part of the prompt is called. */
export function segmentName({ kind, id }: Segment, places: Places): string {
  const t = say();
  const kinds = { template: t.segTemplate, memory: t.segMemory, lore: t.segLore, character: t.segCharacter, persona: t.segPersona, examples: t.segExamples, note: t.segNote, story: t.segStory };
  if (kind === "lore") return t.named(kinds.lore, nameOf(id, places));
  const card = kind === "character" || kind === "examples" ? cardOf(places.characters[id] ?? {}).name : undefined;
  return typeof card === "string" && card !== "" ? t.named(kinds[kind], card) : kinds[kind];
}

/** What a place beside the text is called; empty for what has no name on the page. */
export function placeName(place: string): string {
  const t = say();
  const names: Record<string, string> = { title: t.titleOf, mode: t.mode, memory: t.memory, note: t.note, lore: t.lore, books: t.lore, characters: t.characters, personas: t.segPersona, branch: t.branchName };
  return names[place] ?? "";
}

/** What an entry of lore is called: its title, else its first key, else its id. */
export function nameOf(id: string, { lore }: Places): string {
  const entry = lore[id];
  const title = entry?.comment ?? entry?.name;
  if (typeof title === "string" && title !== "") return title;
  const key: unknown = entry?.key;
  return Array.isArray(key) && typeof key[0] === "string" ? key[0] : id;
}

/** Why an entry fired. */
export function firedWords({ by, key, back, caller, left, tokens }: Verdict, places: Places): string {
  const t = say();
  const withSize = (words: string): string => t.sentences([words, tokens === undefined ? "" : t.tokens(tokens)]);
  if (by === "constant") return withSize(t.firedAlways);
  if (by === "sticky") return withSize(t.firedSticky(left ?? 0));
  if (by === "activated") return withSize(t.firedActivated);
  if (caller) return withSize(t.firedCalled(nameOf(caller, places)));
  return withSize(t.firedKey(key ?? "", back ?? 1));
}

/** Why an entry did not. */
export function silentWords(verdict: Verdict, places: Places): string {
  const t = say();
  switch (verdict.because) {
    case "disabled":
      return t.silentOff;
    case "no_key":
      return t.silentNoKey;
    case "no_match":
      return verdict.nearest ? t.silentNearest(verdict.nearest, verdict.back ?? 0) : t.silentNoMatch;
    case "forbidden":
      return t.silentForbidden(verdict.key ?? "", verdict.forbidden_by ?? "");
    case "secondary":
      return t.silentMissing(verdict.key ?? "", verdict.missing ?? []);
    case "delay":
      return verdict.every ? t.silentEvery(verdict.every) : t.silentAfter(verdict.after ?? 0);
    case "recursion_only":
      return t.silentCalled;
    case "suppressed":
      return t.silentSuppressed;
    case "other_character":
      return t.silentSpeaker;
    case "other_trigger":
      return t.silentKind;
    case "roll":
      return t.silentRoll(verdict.roll ?? 0, verdict.probability ?? 0);
    case "group":
      return t.silentGroup(nameOf(verdict.lost_to ?? "", places));
    case "budget":
      return t.silentBudget(verdict.used ?? 0, verdict.max ?? 0);
    case "cooldown":
      return t.silentRests(verdict.left ?? 0);
    case "slow_pattern":
      return t.silentSlow;
    case "bad_pattern":
      return t.silentBad;
    default:
      return t.silentOther(verdict.because ?? "");
  }
}
