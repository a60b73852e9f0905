/** The lore's test bench: which entries would fire in a text, and why, asked for a moment after each change. */

import type { Api } from "../api/client";
import { ApiError, type Verdict } from "../api/types";
import { Answer } from "./answer.svelte";
import type { Book } from "./book.svelte";

const DELAY = 300;

/** UTF-16 units of the story's end that are taken over: more than lore looks back by default. */
const TAKEN = 8000;

export interface Tried {
  readonly fired: readonly Verdict[];
  readonly silent: readonly Verdict[];
}

export class Bench {
  /** What is tried. */
  text = $state("");
  isOpen = $state(false);

  readonly #api: Api;
  readonly #book: Book;
  readonly #isReady: () => boolean;
  readonly #answer = new Answer(() => this.#ask(), DELAY);

  /** @param isReady Whether there is a model that can count the lore's tokens. */
  constructor(api: Api, book: Book, isReady: () => boolean) {
    this.#api = api;
    this.#book = book;
    this.#isReady = isReady;
  }

  /** Opens or closes it; an empty one begins with the end of the story. */
  toggle(isOpen: boolean): void {
    this.isOpen = isOpen;
    if (isOpen && this.text === "") this.takeEnd();
  }

  /** Tries the end of the story. */
  takeEnd(): void {
    this.text = endOf(this.#book.text);
  }

  /** null while there is nothing to try. */
  get verdicts(): Tried | null {
    return this.#answer.value;
  }

  /** Why it cannot be said, in the server's words. */
  get problem(): string {
    return this.#answer.problem;
  }

  /** The text, an entry or a rule is another one now. */
  changed(): void {
    this.#answer.changed();
  }

  async #ask(): Promise<Tried | null> {
    const { journal, branch } = this.#book;
    if (this.text.trim() === "" || !journal || !this.#isReady()) return null;
    // The server reads the entries from the story.
    if (!(await journal.flush())) throw new ApiError("gone", "");
    // What stays or rests since the story's last piece has nothing to do with another text.
    const { lore } = await this.#api.context(journal.story, { branch, text: this.text, timers: {} });
    return lore;
  }
}

/** The last paragraphs of a text, whole ones if they are not too long. */
export function endOf(text: string): string {
  const from = text.length - TAKEN;
  if (from <= 0) return text;
  const line = text.indexOf("\n", from - 1) + 1;
  if (line > 0 && line < text.length) return text.slice(line);
  // Not between the halves of a character.
  return text.slice(from).replace(/^[\uDC00-\uDFFF]/, "");
}
