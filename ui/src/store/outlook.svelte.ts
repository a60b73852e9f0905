/** The next request before it is made: what is sent, what of it the engine has, what it costs. A moment after each change. */

import type { Api } from "../api/client";
import type { Json } from "../api/http";
import { ApiError, type Context, type Plan, type Segment } from "../api/types";
import { problemOf } from "./notices";
import type { Book } from "./book.svelte";
import { type Price, priceOf } from "./price";
import { requestOf } from "./request";
import type { Sampler } from "./sampler.svelte";
import { recall, remember } from "./stored";

const DELAY = 400;
const LAST = "coblyn.last";

/** What else a context depends on: the length of the piece, and the timers of the lore in place of those that the story keeps. */
export interface Conditions {
  maxLength: number;
  timers: Json | null;
}

export class Outlook {
  /** null while it is not known. */
  plan = $state.raw<Plan | null>(null);
  context = $state.raw<Context | null>(null);
  price = $state.raw<Price | null>(null);
  /** What the last piece was written from. */
  last = $state.raw<Context | null>(null);
  /** Why nothing can be sent, in the server's words. */
  problem = $state("");

  readonly #api: Api;
  readonly #book: Book;
  readonly #sampler: Sampler;
  readonly #isReady: () => boolean;
  readonly #storage: Storage | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLooking = false;
  #isStale = false;

  /** @param isReady Whether there is a model that can be asked. */
  constructor(api: Api, book: Book, sampler: Sampler, isReady: () => boolean, storage: Storage | null) {
    this.#api = api;
    this.#book = book;
    this.#sampler = sampler;
    this.#isReady = isReady;
    this.#storage = storage;
  }

  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), DELAY);
  }

  /** Another story or branch, or the same after a reload: what was sent of another one says nothing. */
  reset(): void {
    this.last = lastOf(recall(this.#storage, LAST), this.#book);
    this.changed();
  }

  /**
   * What the model reads when it goes on from a place in the text; null for its end.
   *
   * @throws ApiError The journal cannot be saved first, or what has to be there leaves no room for the text.
   */
  async prepare(end: number | null, { maxLength, timers }: Conditions = { ...this.#sampler.settings, timers: null }): Promise<Context> {
    const { journal, branch } = this.#book;
    if (!journal || !(await journal.flush())) throw new ApiError(journal?.save === "full" ? "disk_full" : "gone", "");
    const about = { branch, max_tokens: maxLength, ...(end === null ? {} : { end }), ...(timers ? { timers } : {}) };
    return this.#api.context(journal.story, about);
  }

  /** What it costs to go on with another branch; null where that cannot be told. */
  async priceOf(branch: string): Promise<Price | null> {
    const { journal, places } = this.#book;
    if (!this.#isReady() || !journal || !(await journal.flush())) return null;
    try {
      const context = await this.#api.context(journal.story, { branch, max_tokens: this.#sampler.settings.maxLength });
      return priceOf(await this.#plan(context, places), context.segments, null);
    } catch {
      return null; // what is wrong is told where one goes on
    }
  }

  #plan(context: Context, places: Book["places"]): Promise<Plan> {
    const { request } = requestOf(context, places, this.#sampler.settings, [], "");
    const { prompt, max_length, replace_instruct_placeholders } = request;
    return this.#api.plan({ prompt, max_length, replace_instruct_placeholders });
  }

  /** A request was made from this; the next one is compared with it. */
  sent(context: Context): void {
    this.last = context;
    const { id, branch } = this.#book;
    // The parts say all of it; a reload needs no second and third copy.
    remember(this.#storage, LAST, { story: id, branch, context: { ...context, prompt: "", messages: [] } });
  }

  async #look(): Promise<void> {
    if (this.#isLooking || !this.#book.journal) {
      this.#isStale = true;
      return;
    }
    this.#isStale = false;
    if (!this.#isReady()) {
      this.plan = this.price = this.context = null;
      this.problem = "";
      return;
    }
    this.#isLooking = true;
    try {
      const context = await this.prepare(null);
      const plan = await this.#plan(context, this.#book.places);
      if (!this.#isStale) this.#show(context, plan);
    } catch (error) {
      this.plan = this.price = null;
      this.problem = error instanceof ApiError && error.status >= 400 && error.status < 500 ? problemOf(error) : "";
    }
    this.#isLooking = false;
    if (this.#isStale) this.changed();
  }

  #show(context: Context, plan: Plan): void {
    this.context = context;
    this.plan = plan;
    this.price = priceOf(plan, context.segments, this.last?.segments ?? null);
    this.problem = "";
  }
}

/** What was sent last of a branch, as it was kept; null where another one was written on since then. */
function lastOf(kept: unknown, { id, branch }: Book): Context | null {
  if (typeof kept !== "object" || kept === null) return null;
  const { story, branch: of, context } = kept as { story?: unknown; branch?: unknown; context?: Context };
  return story === id && of === branch && Array.isArray(context?.segments) ? context : null;
}

export type { Context, Plan, Segment };
