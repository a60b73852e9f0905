/** What another page writes into the text that is shown: it can be stopped from here, and goes on here once that page is gone. */

import { knowsPages, whenGone } from "../journal/pages";
import { type Claim, keepRunning, onRunning, type Running, runningIn, type Where } from "./running";
import type { Session } from "./session.svelte";

/** Milliseconds between two looks at what this page is stopping. */
const WAIT = 50;

export class Elsewhere {
  readonly #session: Session;
  readonly #goOn: (running: Claim | Running) => void;
  /** Authors whose pages are waited for: once each, however often they are heard of. */
  readonly #awaited = new Set<string>();

  /** @param goOn What this page does with a piece whose page is gone. */
  constructor(session: Session, goOn: (running: Claim | Running) => void) {
    this.#session = session;
    this.#goOn = goOn;
    onRunning(() => this.#where, () => void this.find());
  }

  /** Looks whether anything is being written into the text that is shown. */
  async find(): Promise<void> {
    const { book, generation, outlook } = this.#session;
    const running = this.#running();
    if (!knowsPages() || running?.author === book.kept.author) return;
    if (generation.elsewhere !== "" && !running) outlook.changed();
    generation.elsewhere = running?.genkey ?? "";
    if (!running || this.#awaited.has(running.author)) return;
    const { author } = running;
    this.#awaited.add(author);
    // One page takes it over, however many wait; none writes while that is not settled.
    await whenGone(author, () => this.#takeOver(author).finally(() => this.#awaited.delete(author)));
  }

  async #takeOver(author: string): Promise<void> {
    const session = this.#session;
    const { book, generation, storage } = session;
    if (this.#running()?.author !== author) return;
    await session.settle();
    while (generation.isOurs) await new Promise((resolve) => setTimeout(resolve, WAIT));
    const running = this.#running();
    if (running?.author !== author) return; // another text is shown by now
    const mine = { ...running, author: book.kept.author };
    keepRunning(storage, mine);
    generation.elsewhere = "";
    this.#goOn(mine);
  }

  #running(): Claim | Running | null {
    return runningIn(this.#session.storage, this.#where);
  }

  get #where(): Where {
    const { id, branch } = this.#session.book;
    return { story: id ?? "", branch };
  }
}
