/** The tour: six things to do, each of which is done by doing it. It can be skipped, and shown again. */

import { recall, remember } from "./stored";

export const STEPS = ["write", "generate", "retry", "undo", "context", "own"] as const;

export type Step = (typeof STEPS)[number];

const KEY = "coblyn.tour";

/** What a writer has done so far, as far as the tour looks at it. */
export interface Deeds {
  /** Characters of the story. */
  length: number;
  /** How often each was done since the page was opened. */
  generations: number;
  retries: number;
  undos: number;
  isWriting: boolean;
  panel: string | null;
  story: string | null;
}

export class Tour {
  /** The number of the step that is shown; the number of steps once all are done; null while there is no tour. */
  at = $state<number | null>(null);

  readonly #storage: Storage | null;
  #before: Deeds | null = null;

  constructor(storage: Storage | null) {
    this.#storage = storage;
    const kept = recall(storage, KEY);
    if (typeof kept === "number" && kept >= 0 && kept < STEPS.length) this.at = kept;
  }

  get step(): Step | null {
    return this.at === null ? null : (STEPS[this.at] ?? null);
  }

  /** Whether somebody has seen it here, to the end or not. */
  get isKnown(): boolean {
    return recall(this.#storage, KEY) !== null;
  }

  begin(): void {
    this.#go(0);
  }

  skip(): void {
    this.at = null;
    remember(this.#storage, KEY, "over");
  }

  /** Looks whether the step in hand was done. */
  look(now: Deeds): void {
    this.#before ??= now;
    if (this.step && isDone(this.step, this.#before, now)) this.#go((this.at ?? 0) + 1, now);
  }

  #go(step: number, now: Deeds | null = null): void {
    this.at = step;
    this.#before = now;
    remember(this.#storage, KEY, step < STEPS.length ? step : "over");
  }
}

export function isDone(step: Step, before: Deeds, now: Deeds): boolean {
  switch (step) {
    case "write":
      return !now.isWriting && now.length > before.length;
    case "generate":
      return now.generations > before.generations && !now.isWriting;
    case "retry":
      return now.retries > before.retries && !now.isWriting;
    case "undo":
      return now.undos > before.undos;
    case "context":
      return now.panel === "context";
    case "own":
      return now.story !== null && now.story !== before.story;
  }
}
