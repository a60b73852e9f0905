/** How many tokens the story and its memory are, counted by the server a moment after the last change. */

import type { Api } from "../api/client";

const DELAY = 700;

export class Tokens {
  /** null while it is not known. */
  used = $state<number | null>(null);

  readonly #api: Api;
  readonly #text: () => string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isCounting = false;
  #isStale = false;

  constructor(api: Api, text: () => string) {
    this.#api = api;
    this.#text = text;
  }

  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#count(), DELAY);
  }

  async #count(): Promise<void> {
    if (this.#isCounting) {
      this.#isStale = true;
      return;
    }
    this.#isCounting = true;
    this.#isStale = false;
    try {
      this.used = await this.#api.countTokens(this.#text());
    } catch {
      // Without an answer there is no figure; the server's own state is shown elsewhere.
      this.used = null;
    }
    this.#isCounting = false;
    if (this.#isStale) this.changed();
  }
}
