/** What the samplers do to the next token: its candidates after each of them, asked for anew as a slider moves. */

import type { Api } from "../api/client";
import type { Stage } from "../api/types";
import { Answer } from "./answer.svelte";
import type { Book } from "./book.svelte";
import type { Outlook } from "./outlook.svelte";
import { requestOf } from "./request";
import type { Sampler } from "./sampler.svelte";

/** Candidates that are shown. */
export const SHOWN = 12;
const DELAY = 80;

/** A candidate before a sampler and after it: its text, and its probabilities, 0 to 1. */
export interface Bar {
  token: number;
  text: string;
  before: number;
  after: number;
}

export class Effect {
  readonly #api: Api;
  readonly #book: Book;
  readonly #outlook: Outlook;
  readonly #sampler: Sampler;
  readonly #isReady: () => boolean;
  readonly #answer = new Answer<readonly Stage[]>(() => this.#ask(), DELAY);

  constructor(api: Api, book: Book, outlook: Outlook, sampler: Sampler, isReady: () => boolean) {
    this.#api = api;
    this.#book = book;
    this.#outlook = outlook;
    this.#sampler = sampler;
    this.#isReady = isReady;
  }

  /** The model's own distribution and what each sampler leaves of it; null before it was asked for. */
  get stages(): readonly Stage[] | null {
    return this.#answer.value;
  }

  /** Why there are none, in the server's words. */
  get problem(): string {
    return this.#answer.problem;
  }

  changed(): void {
    this.#answer.changed();
  }

  async #ask(): Promise<readonly Stage[] | null> {
    if (!this.#isReady()) return null;
    const table = await this.#sampler.ready();
    const sent = this.#outlook.context ?? (await this.#outlook.prepare(null));
    const { request } = requestOf(sent, this.#book.places, this.#sampler.settings, table, "");
    return this.#api.sample(request, SHOWN * 2);
  }
}

/** The candidates of one stage beside those of another, the likeliest of the first on top. */
export function barsOf(before: Stage, after: Stage): Bar[] {
  const left: Readonly<Record<number, number>> = Object.fromEntries(after.candidates.map(({ token, probability }) => [token, probability]));
  const risen = after.candidates.filter(({ token }) => before.candidates.every((known) => known.token !== token));
  const bars = [
    ...before.candidates.map(({ token, text, probability }) => ({ token, text, before: probability, after: left[token] ?? 0 })),
    ...risen.map(({ token, text, probability }) => ({ token, text, before: 0, after: probability })),
  ];
  return bars.sort((a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after)).slice(0, SHOWN);
}

/** A token's text with its spaces and line ends to be seen. */
export const visible = (text: string): string => text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replace(/^ | $/g, "·") || "∅";
