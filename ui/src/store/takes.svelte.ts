/** Several takes of the next piece, written beside each other from one prompt, of which the writer uses one or a part. */

import type { Api } from "../api/client";
import type { GenerateRequest, Stats, TokenChance } from "../api/types";
import { sentencesOf } from "../editor/sentences";
import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { isUnknown } from "./listening";
import type { Written } from "./pieces";
import type { RunningTake } from "./runningtakes";
import type { Stream } from "./running";
import { TakeStream } from "./takestream";
import { say } from "../words/words.svelte";

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
  old?: Written | null;
  /** What each begins with. */
  opening?: string;
  fit: () => (chunk: string) => string;
  /** Told what has come of a take: from its first words on, now and then, and at its end. */
  keep: (take: Take) => void;
  /** Told at the end of a take that has words what it was made with. */
  made: (take: Take, seed: number, stats: Stats | null) => void;
  /** Told whenever a stream begins or ends what a page that comes after would have to know. */
  running: (takes: readonly RunningTake[]) => void;
  /** A connection broke, or is there again. */
  onLink: (isThere: boolean) => void;
}

export class Takes {
  /** null while there are none. */
  list = $state<Take[] | null>(null);
  chosen = $state(0);
  /** How many sentences of the chosen one are to be used; null for all. */
  upTo = $state<number | null>(null);

  /** What stands in the text in whose place they are written; null where that is its end. */
  old = $state.raw<Written | null>(null);

  /** They were found again, and nobody has just asked for them. */
  isFound = false;

  /** The story and the branch that they were written for. */
  of = "";

  readonly #api: Api;
  #order: Order | null = null;
  /** Of each take; not state, since their tokens are many. */
  #streams: TakeStream[] = [];

  constructor(api: Api) {
    this.#api = api;
  }

  get isWriting(): boolean {
    return this.list?.some(({ isWriting }) => isWriting) ?? false;
  }

  /** Writes so many; done when all have ended. Each has a seed of its own, also where one was chosen. */
  write(request: GenerateRequest, count: number, order: Order): Promise<void> {
    const written = Array.from({ length: count }, () => ({ id: newId(), piece: newId(), text: order.opening ?? "", isWriting: true, failure: "" }));
    const seed = (index: number): number => (request.sampler_seed < 0 ? -1 : request.sampler_seed + index);
    this.isFound = false;
    return this.#begin(written, written.map(newKey), order, (index, genkey) => ({ ...request, genkey, sampler_seed: seed(index) }));
  }

  /** Goes on with those whose page is gone. @param textOf What is kept of each. */
  resume(found: readonly RunningTake[], how: Pick<Stream, "isConversation" | "max_length">, textOf: (id: string) => string, order: Order): Promise<void> {
    const written = found.map(({ id, piece, stream }) => ({ id, piece, text: textOf(id), isWriting: stream !== "", failure: "" }));
    const keys = found.map(({ genkey }) => genkey);
    this.isFound = true;
    return this.#begin(written, keys, order, (index, genkey) => ({ ...how, genkey, stream: found[index]?.stream ?? "" }), found);
  }

  async #begin(written: Take[], keys: readonly string[], order: Order, first: (index: number, genkey: string) => GenerateRequest | Stream, found: readonly RunningTake[] = []): Promise<void> {
    const { old = null } = order;
    this.close(); // others may have been found meanwhile
    const standing = old ? [{ id: newId(), ...old, isWriting: false, failure: "" }] : [];
    this.list = [...standing, ...written];
    this.old = old;
    this.chosen = standing.length;
    this.upTo = null;
    this.#order = order;
    this.#streams = this.list.map((_, index) => new TakeStream(this.#api, keys[index - standing.length] ?? "", found[index - standing.length]));
    await Promise.all(
      this.list.map((take, index) => {
        const stream = this.#streams[index];
        return stream && take.isWriting && this.#one(take, stream, first(index - standing.length, stream.genkey), order);
      }),
    );
  }

  stop(): void {
    for (const [index, take] of (this.list ?? []).entries()) if (take.isWriting) this.#streams[index]?.stop();
  }

  close(): void {
    this.stop();
    this.list = null;
    this.#order?.running([]);
    this.#order = null;
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
    return tokensOf(words, this.#streams[this.chosen]?.tokens ?? []);
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

  async #one(take: Take, stream: TakeStream, first: GenerateRequest | Stream, order: Order): Promise<void> {
    const [{ keep, made, opening = "" }, fitted] = [order, order.fit()];
    let [heard, keptAt] = [opening, -KEPT_EVERY];
    const onText = (text: string): void => {
      heard += fitted(text);
      if (heard.length <= take.text.length) return; // read again from its beginning
      take.text = heard;
      if (stream.isOver || performance.now() - keptAt < KEPT_EVERY) return;
      keptAt = performance.now();
      keep(take);
    };
    const tell = (): void => {
      if (this.#order === order) order.running(this.#running()); // else others stand in the list by now
    };
    try {
      await stream.hear(first, { onBegun: tell, onText, onLink: order.onLink });
    } catch (error) {
      if (isUnknown(error)) take.failure = stream.isOver ? "" : say().noticeCut;
      else take.failure = error instanceof Error ? error.message : String(error);
    }
    take.isWriting = false;
    if (take.text !== "" && !stream.isOver) {
      keep(take);
      made(take, stream.seed, stream.stats);
    }
    stream.isOver = true;
    tell();
  }

  /** What a page that comes after would have to know; nothing of what was put away. */
  #running(): RunningTake[] {
    return (this.list ?? []).flatMap(({ id, piece }, index) => {
      const stream = this.#streams[index];
      return !stream || piece === this.old?.piece ? [] : [{ id, piece, ...stream.told }];
    });
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
