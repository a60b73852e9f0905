/** Where the caret was left in each branch, so that a story opens where one was writing. Kept in this browser. */

import { recall, remember } from "./stored";

const KEY = "carets";
/** So many branches are remembered, the ones left last. */
const MOST = 100;

export class Carets {
  readonly #storage: Storage | null;

  constructor(storage: Storage | null) {
    this.#storage = storage;
  }

  /** null where nothing is known. */
  of(story: string, branch: string): number | null {
    return this.#all().find(([place]) => place === placeOf(story, branch))?.[1] ?? null;
  }

  keep(story: string, branch: string, at: number): void {
    const place = placeOf(story, branch);
    const others = this.#all().filter(([other]) => other !== place);
    remember(this.#storage, KEY, [[place, at], ...others].slice(0, MOST));
  }

  #all(): [place: string, at: number][] {
    const held = recall(this.#storage, KEY);
    return Array.isArray(held) ? held.filter(isCaret) : [];
  }
}

function isCaret(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === "string" && Number.isInteger(value[1]) && value[1] >= 0;
}

function placeOf(story: string, branch: string): string {
  return `${story}/${branch}`;
}
