/** Who speaks next in a group. Pure: chance comes from a seed and the number of turns, so a retry has the same speaker. */

import { drawn } from "./dice";
import type { Cast, Turn } from "./turns";

export type Rule = "turn" | "mention" | "talk" | "choose" | "once";
export const RULES: readonly Rule[] = ["turn", "mention", "talk", "choose", "once"];

export interface Group {
  rule: Rule;
  /** Those who may speak, in their order. */
  present: readonly string[];
  /** How much each says, 0 to 1; 0.5 where it is not known. */
  talk: Readonly<Record<string, number>>;
  /** Whom the writer chose, for "choose". */
  chosen: string;
  seed: number;
}

/**
 * The next speaker; null if nobody is there, or all have spoken since the writer (`once`).
 *
 * @param text What the turns are stretches of.
 */
export function nextSpeaker(group: Group, turns: readonly Turn[], text: string): string | null {
  const { present, rule, chosen } = group;
  const said = turns.filter(({ bodyTo, bodyFrom }) => bodyTo > bodyFrom);
  const last = said.at(-1);
  if (present.length === 0) return null;
  if (rule === "choose" && present.includes(chosen)) return chosen;
  if (rule === "once") {
    const spoken = since(said);
    return present.find((name) => !spoken.has(name)) ?? null;
  }
  if (rule === "talk") return byTalk(group, said);
  return (rule === "mention" && last && mentioned(present, last, text)) || inTurn(present, said);
}

/** The one after the last of them that spoke. */
function inTurn(present: readonly string[], said: readonly Turn[]): string {
  const last = said.findLast(({ name }) => present.includes(name));
  return present[(present.indexOf(last?.name ?? "") + 1) % present.length] ?? "";
}

/** The one whose name comes first in the last turn, whole words only; nobody names themselves. */
function mentioned(present: readonly string[], { name: speaker, bodyFrom, bodyTo }: Turn, text: string): string | null {
  const body = text.slice(bodyFrom, bodyTo);
  const found = present
    .filter((name) => name !== speaker)
    .map((name) => ({ name, at: placeOf(name, body) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return found[0]?.name ?? null;
}

function placeOf(name: string, body: string): number {
  const isLetter = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}]/u.test(char) && !/\p{Script=Han}/u.test(char);
  const [lowBody, lowName] = [body.toLowerCase(), name.toLowerCase()];
  for (let at = lowBody.indexOf(lowName); at >= 0; at = lowBody.indexOf(lowName, at + 1))
    if (!isLetter(lowBody[at - 1]) && !isLetter(lowBody[at + lowName.length])) return at;
  return -1;
}

/** Drawn by how much each says; the one who spoke last only if there is nobody else. */
function byTalk({ present, talk, seed }: Group, said: readonly Turn[]): string {
  const others = present.filter((name) => name !== said.at(-1)?.name);
  const candidates = others.length > 0 ? others : present;
  const weights = candidates.map((name) => Math.max(0.01, talk[name] ?? 0.5));
  let left = drawn(seed, said.length) * weights.reduce((sum, weight) => sum + weight, 0);
  return candidates.find((_, index) => (left -= weights[index] ?? 0) < 0) ?? candidates.at(-1) ?? "";
}

function since(said: readonly Turn[]): Set<string> {
  const start = said.findLastIndex(({ who }) => who === "user");
  return new Set(said.slice(start + 1).map(({ name }) => name));
}

/** Everyone of a chat, from the story's places: those who take part and those who do not. */
export function castOf(personas: readonly string[], characters: readonly string[], named: readonly string[]): Cast {
  const users = personas.length > 0 ? personas : ["You"];
  const others = [...new Set([...characters, ...named])].filter((name) => name !== "" && !users.includes(name));
  return { users, others };
}
