/** Dice that are thrown with a seed, so that a throw can be seen again: the n-th throw of a seed is always the same. */

/** A number from 0 up to 1, by the mixing function of MurmurHash3 over seed and number. */
export function drawn(seed: number, number: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export interface Dice {
  isOn: boolean;
  seed: number;
  /** How many were thrown in this story. */
  thrown: number;
}

export const SIDES = 20;

/** What the story keeps of them, as far as it makes sense; a story has its own seed from the first throw on. */
export function readDice(stored: unknown, newSeed: () => number): Dice {
  const given = (typeof stored === "object" && stored !== null ? stored : {}) as Partial<Record<keyof Dice, unknown>>;
  const whole = (value: unknown, otherwise: () => number): number => (Number.isSafeInteger(value) ? (value as number) : otherwise());
  return { isOn: given.isOn === true, seed: whole(given.seed, newSeed), thrown: Math.max(0, whole(given.thrown, () => 0)) };
}

export type Luck = "worst" | "bad" | "good" | "best";

export function thrown(dice: Dice): { roll: number; luck: Luck; next: Dice } {
  const roll = 1 + Math.floor(drawn(dice.seed, dice.thrown) * SIDES);
  const luck = roll === 1 ? "worst" : roll === SIDES ? "best" : roll <= SIDES / 2 ? "bad" : "good";
  return { roll, luck, next: { ...dice, thrown: dice.thrown + 1 } };
}
