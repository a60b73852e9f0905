/** A list of stories that is read part by part, as far as one looks. */

import type { Listed, Shelf } from "../api/stories";

/** Stories that are asked for together. */
export const PART = 60;

export type Ask = (offset: number, limit: number) => Promise<Listed>;

export class Shelves {
  /** How many the whole list has; null before the first answer. */
  count = $state<number | null>(null);
  /** Changed stories in which nothing was searched yet. */
  numUnread = $state(0);
  #parts = $state.raw<Readonly<Record<number, readonly Shelf[]>>>({});

  #ask: Ask | null = null;
  /** The list that was asked for last; what answers an earlier wish is out of date. */
  #round = 0;
  #waiting: readonly number[] = [];
  #shown = { from: 0, to: 1 };

  at(index: number): Shelf | undefined {
    return this.#parts[Math.floor(index / PART)]?.[index % PART];
  }

  /** Where a story is, among those that are known; -1 for one that is not. */
  indexOf(id: string): number {
    for (const [part, stories] of Object.entries(this.#parts)) {
      const at = stories.findIndex((story) => story.id === id);
      if (at >= 0) return Number(part) * PART + at;
    }
    return -1;
  }

  /**
   * Another list, from its beginning, or the same again as far as it is shown. What is shown stays until the answer comes.
   *
   * @returns Whether nothing else was asked for meanwhile.
   */
  async look(ask: Ask, isSame: boolean): Promise<boolean> {
    const round = ++this.#round;
    if (!isSame) this.#shown = { from: 0, to: 1 };
    const parts = this.#partsShown();
    const answers = await Promise.all(parts.map((part) => ask(part * PART, PART)));
    if (round !== this.#round) return false;
    this.#ask = ask;
    this.#waiting = [];
    this.#parts = Object.fromEntries(parts.map((part, at) => [part, answers[at]?.stories ?? []]));
    this.#take(answers[0]);
    return true;
  }

  /** These rows are on screen: what is not known of them is asked for. */
  async show(from: number, to: number): Promise<void> {
    this.#shown = { from, to };
    await Promise.all(this.#partsShown().map((part) => this.#fetch(part)));
  }

  /** While another list is on its way, the one that is shown is still read: its parts must not get into the other. */
  async #fetch(part: number): Promise<void> {
    const ask = this.#ask;
    if (!ask || part in this.#parts || this.#waiting.includes(part)) return;
    this.#waiting = [...this.#waiting, part];
    try {
      const answer = await ask(part * PART, PART);
      if (ask !== this.#ask) return;
      this.#parts = { ...this.#parts, [part]: answer.stories };
      this.#take(answer);
    } finally {
      if (ask === this.#ask) this.#waiting = this.#waiting.filter((one) => one !== part);
    }
  }

  #take(answer: Listed | undefined): void {
    this.count = answer?.count ?? 0;
    this.numUnread = answer?.numUnread ?? 0;
  }

  #partsShown(): number[] {
    const [first, last] = [Math.floor(this.#shown.from / PART), Math.floor(Math.max(this.#shown.from, this.#shown.to - 1) / PART)];
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  }
}
