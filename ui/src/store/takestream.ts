/** The stream of one take: across connections that break, and found again by a page that comes after. */

import type { Api } from "../api/client";
import type { GenerateEvent, GenerateRequest, Stats, TokenChance } from "../api/types";
import { knowsPages } from "../journal/pages";
import { isStream, takeSeed } from "./generation.svelte";
import { listen } from "./listening";
import type { Stream } from "./running";
import type { RunningTake } from "./runningtakes";

/** Milliseconds that the server has to end a stopped take by itself. */
const GRACE = 2000;
/** Milliseconds between two looks at whether a stream that broke is still wanted. */
const WAIT = 50;

export interface Hearing {
  /** The server has begun, or the stream was found again. */
  onBegun(): void;
  onText(text: string): void;
  /** The connection broke, or the stream is heard again. */
  onLink(isThere: boolean): void;
}

export class TakeStream {
  readonly genkey: string;
  /** The name of the stream, if it goes on without this page. */
  stream: string;
  seed: number;
  /** It has ended, and all of it is kept. */
  isOver: boolean;
  stats: Stats | null = null;
  /** What was drawn, if the request asks for it. */
  readonly tokens: TokenChance[] = [];

  readonly #api: Api;
  readonly #controller = new AbortController();
  #isStopped = false;

  constructor(api: Api, genkey: string, { stream = "", seed = -1, isOver = false }: Partial<RunningTake> = {}) {
    this.#api = api;
    this.genkey = genkey;
    this.stream = stream;
    this.seed = seed;
    this.isOver = isOver;
  }

  /** By what a page that comes after finds it again. */
  get told(): Omit<RunningTake, "id" | "piece"> {
    const { genkey, stream, seed, isOver } = this;
    return { genkey, stream, seed, isOver };
  }

  stop(): void {
    this.#isStopped = true;
    const hurry = (): void => {
      if (this.stream !== "") void this.#api.drop(this.stream).catch(() => undefined);
      this.#controller.abort();
    };
    // Asked by key, the server ends the stream in order and still says what it cost.
    this.#api.abort(this.genkey).then(() => setTimeout(hurry, GRACE), hurry);
  }

  /**
   * Hears it to its end; where it is stopped that is no failure.
   *
   * @throws ApiError It failed, or the server does not know it any more.
   */
  async hear(first: GenerateRequest | Stream, heard: Hearing): Promise<void> {
    try {
      for await (const event of this.#events(first, heard)) this.#note(event, first, heard);
    } catch (error) {
      if (!this.#isStopped) throw error;
    }
  }

  #events(first: GenerateRequest | Stream, { onLink }: Hearing): AsyncIterable<GenerateEvent> {
    const { signal } = this.#controller;
    if (!isStream(first)) this.seed = first.sampler_seed;
    const isConversation = isStream(first) ? first.isConversation : first.messages !== undefined;
    const again = (): AsyncIterable<GenerateEvent> => this.#api.resume(this.stream, isConversation, signal);
    const isWanted = (): boolean => this.stream !== "" && !this.#isStopped;
    const rest = async (milliseconds: number): Promise<void> => {
      const end = performance.now() + milliseconds;
      while (isWanted() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, WAIT));
    };
    return listen(isStream(first) ? again() : this.#api.generate(first, signal, knowsPages()), { isWanted, again, rest, onLink });
  }

  #note(event: GenerateEvent, first: GenerateRequest | Stream, heard: Hearing): void {
    if (event.kind === "begun") {
      this.stream = event.stream;
      if (!isStream(first)) {
        takeSeed(first, event.seed);
        this.seed = first.sampler_seed;
      }
      heard.onBegun();
    } else if (event.kind === "stats") {
      this.stats = event;
    } else if (event.kind === "text") {
      this.tokens.push(...(event.tokens ?? []));
      heard.onText(event.text);
    }
  }
}
