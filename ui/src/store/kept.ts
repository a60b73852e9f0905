/** What this browser keeps of stories that the server has not taken: it is sent at the next start, and shown with the story until then. */

import type { Operation, Opened, StoriesApi } from "../api/stories";
import type { Journal } from "../journal/journal.svelte";
import { leftOf, sendLeft, tellOfLeft } from "../journal/left";
import type { Outbox, Waiting } from "../journal/outbox";
import { announce } from "../journal/pages";
import type { Entry } from "../journal/queue";
import type { BookEvents } from "./opened";
import { replayed } from "./replay";

/** A story as it is shown: as the server has it, and on top of that what the server has not taken. */
export interface Read extends Opened {
  entries: readonly Entry[];
  left: Waiting | null;
}

export class Kept {
  /** null where this browser keeps nothing for pages. */
  outbox: Outbox | null = null;
  readonly author: string;

  readonly #api: StoriesApi;
  /** What belongs nowhere any more: the writer is asked what becomes of it. */
  #orphans: readonly Waiting[] = [];

  constructor(api: StoriesApi, author: string) {
    this.#api = api;
    this.author = author;
  }

  /** Sends what pages that are gone have left, and tells of what belongs nowhere any more. */
  async start(outbox: Outbox | null, tell: BookEvents["onOrphan"], create: (words: readonly Operation[]) => Promise<void>): Promise<void> {
    this.outbox = outbox;
    announce(this.author);
    if (!outbox) return;
    this.#orphans = await sendLeft(this.#api, outbox);
    tellOfLeft(this.#orphans, outbox, tell, create);
  }

  /** Sends what pages that have gone since have left. */
  async collect(): Promise<void> {
    if (this.outbox) await sendLeft(this.#api, this.outbox);
  }

  /**
   * Reads a story with all that was done to it.
   *
   * @param unsaved What an open page of this story has not sent, asked before and after.
   * @throws ApiError As the server says.
   */
  async read(id: string, unsaved: () => Waiting | null): Promise<Read> {
    const before = unsaved();
    const left = before ?? (this.outbox && (await leftOf(this.outbox, id, this.author, this.#orphans)));
    const found = await this.#api.get(id, left?.base);
    const now = unsaved(); // with what was typed meanwhile
    const isOld = now ? now.base !== found.version : before !== null;
    return isOld ? this.read(id, unsaved) : withLeft(found, now ?? left);
  }

  /** From now on it is this page's journal that keeps and sends what was left. */
  adopt(journal: Journal, { entries, left }: Read): void {
    if (!left) return;
    const forget = { ...left, operations: [] };
    void journal.adopt(entries).then(() => (left.author === this.author ? undefined : this.outbox?.keep(forget)));
  }
}

export function withLeft(found: Opened, left: Waiting | null = null): Read {
  return { ...found, ...replayed(found.state, left?.operations ?? []), left };
}
