/** Takes that were being written go on in their columns, in the page that comes after theirs or in another one that is open. */

import { knowsPages, whenGone } from "../journal/pages";
import { kept } from "./beside";
import { keepTakes, onTakes, releaseTakes, type RunningTakes, takesIn } from "./runningtakes";
import type { Session } from "./session.svelte";
import { spacing } from "./spacing";

export class TakesAgain {
  readonly #session: Session;
  /** Authors whose pages are waited for. */
  readonly #awaited = new Set<string>();

  constructor(session: Session) {
    this.#session = session;
    onTakes(() => this.find());
  }

  /** Looks whether other pages have takes of the text that is shown: they go on here once their page is gone. */
  find(): void {
    if (knowsPages()) for (const { author } of this.#others()) void this.#await(author);
  }

  async #await(author: string): Promise<void> {
    if (this.#awaited.has(author)) return;
    this.#awaited.add(author);
    // One page takes them over, however many wait.
    await whenGone(author, () => Promise.resolve(this.#takeOver(author)));
  }

  #takeOver(author: string): void {
    const { book, storage, takes } = this.#session;
    this.#awaited.delete(author);
    const running = this.#others().find((each) => each.author === author);
    if (!running || takes.list) return; // another text is shown by now, another page was first, or columns stand here
    const mine = { ...running, author: book.kept.author };
    keepTakes(storage, mine);
    void this.#goOn(mine);
  }

  async #goOn(running: RunningTakes): Promise<void> {
    const { book, storage, takes } = this.#session;
    await book.kept.collect().catch(() => undefined); // else what their page kept last would come after what is kept from now on
    const isShown = book.id === running.story && book.branch === running.branch;
    if (!isShown || takes.list) return releaseTakes(storage, running);
    const { isConversation, tail } = running;
    const fit = (): ((chunk: string) => string) => spacing(isConversation ? "" : tail).fit;
    const textOf = (id: string): string => String(book.places.takes[id]?.text ?? running.receipt.opening);
    await takes.resume(running.takes, running, textOf, { ...kept(this.#session, running), fit });
  }

  #others(): RunningTakes[] {
    const { book, storage } = this.#session;
    return takesIn(storage, { story: book.id ?? "", branch: book.branch }).filter(({ author }) => author !== book.kept.author);
  }
}
