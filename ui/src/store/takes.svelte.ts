/** Several takes of the next piece, written beside each other from one prompt, of which the writer uses one or a part. */

import type { Api } from "../api/client";
import type { GenerateRequest, Stats, TokenChance } from "../api/types";
import { sentencesOf } from "../editor/sentences";
import { newId } from "../journal/journal.svelte";
import { newKey, takeSeed } from "./generation.svelte";
import type { Written } from "./pieces";

export interface Take {
  /** Under which it is kept, and the piece that its words will come from. */
  readonly id: string;
  readonly piece: string;
  text: string;
  isWriting: boolean;
  /** Why it ended early, or empty. */
  failure: string;
}

/** Of one prompt, so many at most: a browser has six connections to a server, and the journal needs one. */
export const MOST_TAKES = 4;

/** Milliseconds after which what has come of a take is kept again. */
const KEPT_EVERY = 1000;

/** One prompt, written on several times. */
export interface Order {
  /** What stands there already: the first of the takes. */
  old?: Written;
  /** What each begins with. */
  opening?: string;
  count: number;
  request: GenerateRequest;
  fit: () => (chunk: string) => string;
  /** Told what has come of a take: from its first words on, now and then, and at its end. */
  keep: (take: Take) => void;
  /** Told at the end of a take that has words what it was made with. */
  made: (take: Take, request: GenerateRequest, stats: Stats | null) => void;
}

export class Takes {
  /** null while there are none. */
  list = $state<Take[] | null>(null);
  chosen = $state(0);
  /** How many sentences of the chosen one are to be used; null for all. */
  upTo = $state<number | null>(null);

  /** What stands in the text in whose place they are written; null where that is its end. */
  old = $state.raw<Written | null>(null);

  /** The story and the branch that they were written for. */
  of = "";

  readonly #api: Api;
  #keys: string[] = [];
  #controllers: AbortController[] = [];
  /** Of each take, if the request asks for them; not state, since there are many. */
  #tokens: TokenChance[][] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  get isWriting(): boolean {
    return this.list?.some(({ isWriting }) => isWriting) ?? false;
  }

  /** Writes them; done when all have ended. Each has a seed of its own, also where one was chosen. */
  async write(order: Order): Promise<void> {
    const { request, old = null, opening = "", count } = order;
    const standing = old ? [{ id: newId(), ...old, isWriting: false, failure: "" }] : [];
    const written = Array.from({ length: count }, () => ({ id: newId(), piece: newId(), text: opening, isWriting: true, failure: "" }));
    this.list = [...standing, ...written];
    this.old = old;
    this.chosen = standing.length;
    this.upTo = null;
    this.#keys = this.list.map(newKey);
    this.#controllers = this.list.map(() => new AbortController());
    this.#tokens = this.list.map(() => []);
    await Promise.all(
      this.list.map((take, index) => {
        if (!take.isWriting) return;
        const seed = request.sampler_seed < 0 ? -1 : request.sampler_seed + index - standing.length;
        return this.#one(take, { ...request, genkey: this.#keys[index] ?? "", sampler_seed: seed }, index, order);
      }),
    );
  }

  stop(): void {
    for (const [index, take] of (this.list ?? []).entries()) {
      if (!take.isWriting) continue;
      const controller = this.#controllers[index];
      this.#api.abort(this.#keys[index] ?? "").catch(() => controller?.abort());
    }
  }

  close(): void {
    this.stop();
    this.list = null;
  }

  /** What would be used: the chosen take, as far as it is marked. */
  text(onlyOne = false): string {
    const take = this.list?.[this.chosen];
    if (!take) return "";
    if (this.upTo === null) return take.text;
    const sentences = sentencesOf(take.text);
    return onlyOne ? (sentences[this.upTo - 1] ?? "") : sentences.slice(0, this.upTo).join("");
  }

  /** The tokens that these words of the chosen take were drawn as; none where that is not known. */
  tokens(words: string): TokenChance[] {
    return tokensOf(words, this.#tokens[this.chosen] ?? []);
  }

  turn(step: 1 | -1): void {
    const count = this.list?.length ?? 0;
    this.chosen = (this.chosen + step + count) % Math.max(1, count);
    this.upTo = null;
  }

  mark(step: 1 | -1): void {
    const count = sentencesOf(this.list?.[this.chosen]?.text ?? "").length;
    this.upTo = Math.min(count, Math.max(1, (this.upTo ?? (step > 0 ? 0 : count + 1)) + step));
  }

  async #one(take: Take, request: GenerateRequest, index: number, { fit, keep, made }: Order): Promise<void> {
    const fitted = fit();
    let keptAt = -KEPT_EVERY;
    let stats: Stats | null = null;
    const signal = this.#controllers[index]?.signal ?? new AbortController().signal;
    try {
      for await (const event of this.#api.generate(request, signal)) {
        if (event.kind === "begun") takeSeed(request, event.seed);
        if (event.kind === "stats") stats = event;
        if (event.kind !== "text") continue;
        this.#tokens[index]?.push(...(event.tokens ?? []));
        take.text += fitted(event.text);
        if (take.text === "" || performance.now() - keptAt < KEPT_EVERY) continue;
        keptAt = performance.now();
        keep(take);
      }
    } catch (error) {
      if (!signal.aborted) take.failure = error instanceof Error ? error.message : String(error);
    }
    take.isWriting = false;
    if (take.text === "") return;
    keep(take);
    made(take, request, stats);
  }
}

/** Those of a take's tokens in which words of it stand, in order. */
export function tokensOf(words: string, tokens: readonly TokenChance[]): TokenChance[] {
  const start = tokens.map(({ text }) => text).join("").indexOf(words.trim());
  let at = 0;
  return tokens.filter(({ text }) => {
    const from = at;
    at += text.length;
    return start >= 0 && at > start && from < start + words.trim().length;
  });
}
