/** The next request before it is made: what is sent, what of it the engine has, what it costs. A moment after each change. */

import type { Api } from "../api/client";
import { ApiError, type Context, type Plan, type Segment } from "../api/types";
import type { Book } from "./book.svelte";
import { type Price, priceOf } from "./price";
import { requestOf } from "./request";
import type { Sampler } from "./sampler.svelte";

const DELAY = 400;

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
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLooking = false;
  #isStale = false;

  /** @param isReady Whether there is a model that can be asked. */
  constructor(api: Api, book: Book, sampler: Sampler, isReady: () => boolean) {
    this.#api = api;
    this.#book = book;
    this.#sampler = sampler;
    this.#isReady = isReady;
  }

  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), DELAY);
  }

  /** Another story: what was sent of the one before says nothing. */
  reset(): void {
    this.last = null;
    this.changed();
  }

  /**
   * What the model reads when it goes on from a place in the text; null for its end.
   *
   * @throws ApiError The journal cannot be saved first, or what has to be there leaves no room for the text.
   */
  async prepare(end: number | null): Promise<Context> {
    const { journal, branch } = this.#book;
    if (!journal || !(await journal.flush())) throw new ApiError("gone", "");
    const about = { branch, max_tokens: this.#sampler.settings.maxLength, ...(end === null ? {} : { end }) };
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
      this.problem = error instanceof ApiError && error.status >= 400 && error.status < 500 ? error.message : "";
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

export type { Context, Plan, Segment };
