/** The server's answer to a question that changes: asked anew a moment after each change. */

import { ApiError } from "../api/types";
import { problemOf } from "./notices";

export class Answer<T> {
  /** null while there is none. */
  value = $state.raw<T | null>(null);
  /** Why there is none, in the server's words. */
  problem = $state("");

  readonly #ask: () => Promise<T | null>;
  readonly #delay: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isStale = false;

  /**
   * @param ask Asks; gives null where there is nothing to ask.
   * @param delay Milliseconds after a change.
   */
  constructor(ask: () => Promise<T | null>, delay: number) {
    this.#ask = ask;
    this.#delay = delay;
  }

  /** The question is another one now. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), this.#delay);
  }

  /** One question at a time; what changed meanwhile is asked about next. */
  async #look(): Promise<void> {
    this.#isStale = this.#isAsking;
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.value = await this.#ask();
      this.problem = "";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.value = null;
      this.problem = problemOf(error);
    } finally {
      this.#isAsking = false;
    }
    if (this.#isStale) this.changed();
  }
}
