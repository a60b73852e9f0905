/** Finding and replacing words in a story that is shown as turns. Where it is shown as one text, the editor has its own. */

import { hitsOf, patternOf } from "../modes/hits";
import { say } from "../words/words.svelte";
import type { Modes } from "./modes.svelte";
import type { Session } from "./session.svelte";

export class Find {
  isOpen = $state(false);
  words = $state("");
  replacement = $state("");
  isExact = $state(false);
  isWhole = $state(false);
  /** Counts what the writer asked for: each time the hit is to be brought in sight. */
  asked = $state(0);
  /** How often it was opened: each time its field takes the focus. */
  opened = $state(0);

  /** Where looking begins: the hit is the first from here on. */
  #at = $state(0);
  readonly #session: Session;
  readonly #modes: Modes;

  readonly pattern = $derived.by(() => (this.isOpen ? patternOf(this.words, this.isExact, this.isWhole) : null));
  readonly hits = $derived.by(() => (this.pattern ? (void this.#session.facts, hitsOf(this.#session.text, this.#modes.turns(), this.pattern)) : []));
  /** Which of the hits is shown; -1 if there are none. */
  readonly index = $derived(Math.max(this.hits.findIndex(({ from }) => from >= this.#at), this.hits.length > 0 ? 0 : -1));
  readonly hit = $derived(this.hits[this.index] ?? null);
  /** Which of the hits in its own turn it is. */
  readonly nth = $derived(this.index - this.hits.findIndex(({ turn }) => turn === this.hit?.turn));

  constructor(session: Session, modes: Modes) {
    this.#session = session;
    this.#modes = modes;
  }

  /** Looks from a place of the text on, where it is not open yet. */
  open(at: number): void {
    if (!this.isOpen) this.#at = at;
    this.isOpen = true;
    this.opened++;
    this.asked++;
  }

  look(words: string): void {
    this.words = words;
    this.asked++;
  }

  close(): void {
    this.isOpen = false;
    this.#session.focus();
  }

  /** The next hit, or the one before; behind the last comes the first. */
  step(by: 1 | -1): void {
    const { length } = this.hits;
    this.#at = this.hits[(this.index + by + length) % length]?.from ?? 0;
    this.asked++;
  }

  /** Puts the other words into the place of the hit, and goes on to the next. */
  replace(): void {
    if (!this.hit) return;
    const { from, to } = this.hit;
    this.#at = from + this.replacement.length;
    this.#session.replace(from, to, this.replacement);
    this.asked++;
  }

  /** The same in all places, as one step. */
  replaceAll(): void {
    const { hits, replacement } = this;
    this.#session.story?.replace(hits.map(({ from, to }) => ({ from, to, insert: replacement })));
    this.#session.said = say().replaced(hits.length);
  }
}
