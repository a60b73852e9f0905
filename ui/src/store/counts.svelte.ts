/** How many tokens texts have, asked for in parts and remembered while one model answers. */

import { SvelteMap } from "svelte/reactivity";

import { ApiError } from "../api/types";
import { distinct } from "./entries";

/** The most of one request, so that others do not wait for it. */
const MAX_TEXTS = 200;
const MAX_CHARACTERS = 100_000;
/** Milliseconds without a change before texts are counted: those that are typed change with every letter. */
const PAUSE = 300;

export interface Counter {
  /** Of each text, in their order. */
  tokens(texts: readonly string[]): Promise<readonly number[]>;
}

export class Counts {
  readonly #api: Counter;
  /** Name of the model that answers; null for none. */
  readonly #model: () => string | null;
  readonly #known = new SvelteMap<string, number>();
  #of: string | null = null;
  #wanted: readonly string[] = [];
  #isAsking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Counter, model: () => string | null) {
    this.#api = api;
    this.#model = model;
  }

  /** null while it is not known. */
  of(text: string): number | null {
    return text === "" ? 0 : (this.#known.get(text) ?? null);
  }

  /** Of all of them; null while one is not known. */
  sum(texts: readonly string[]): number | null {
    let all = 0;
    for (const text of texts) {
      const count = this.of(text);
      if (count === null) return null;
      all += count;
    }
    return all;
  }

  /** Counts those that are not known yet, in place of what was wanted before. */
  want(texts: Iterable<string>): void {
    const model = this.#model();
    if (model !== this.#of) this.#known.clear();
    this.#of = model;
    const isCountable = (text: string): boolean => text !== "" && text.length <= MAX_CHARACTERS && !this.#known.has(text);
    this.#wanted = model === null ? [] : distinct(texts).filter(isCountable);
    clearTimeout(this.#timer);
    if (this.#wanted.length > 0) this.#timer = setTimeout(() => void this.#ask(), PAUSE);
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return; // who asks goes on with what is wanted now
    this.#isAsking = true;
    try {
      for (let part = this.#part(); part.length > 0; part = this.#part()) await this.#count(part);
    } finally {
      this.#isAsking = false;
    }
  }

  /** Counts a part of what is wanted. What is wanted meanwhile stays so, and all of it if another model has come: the answer is not of that. */
  async #count(part: readonly string[]): Promise<void> {
    const [model, wanted] = [this.#of, this.#wanted];
    const counts = await this.#api.tokens(part).catch(failed);
    if (model !== this.#of) return;
    if (counts) for (const [at, text] of part.entries()) this.#known.set(text, counts[at] ?? 0);
    const isOver = counts === null && wanted === this.#wanted; // the others of the same time would fail too
    this.#wanted = isOver ? [] : this.#wanted.filter((text) => !part.includes(text));
  }

  #part(): string[] {
    const part: string[] = [];
    let size = 0;
    for (const text of this.#wanted) {
      size += text.length;
      if (part.length === MAX_TEXTS || (size > MAX_CHARACTERS && part.length > 0)) break;
      part.push(text);
    }
    return part;
  }
}

/** Nothing: it is a figure beside others, asked for again when the next ones are wanted. */
function failed(error: unknown): null {
  if (error instanceof ApiError) return null;
  throw error;
}
