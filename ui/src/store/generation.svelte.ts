/** One generation at a time: what it is doing, how fast, and how it is stopped. */

import type { Api } from "../api/client";
import { type FinishReason, type GenerateEvent, type GenerateRequest, type Progress, type Stats, type TokenChance } from "../api/types";
import type { Writing } from "../editor/story";
import { speedOf } from "./figures";
import { listen } from "./listening";
import type { Stream } from "./running";

/** "sending" until the server says anything, "reading" the prompt, "writing" text, "stopping" on the way to idle. */
export type Phase = "idle" | "sending" | "reading" | "writing" | "stopping";

export interface Outcome {
  reason: FinishReason | "stopped";
  /** Whether any text came. */
  wrote: boolean;
}

export interface Watch {
  /** The server has begun; what it says then stands in a request that is new. */
  onBegun?(stream: string): void;
  /** The connection broke, or the stream is heard again. */
  onLink?(isThere: boolean): void;
}

/** Milliseconds between two updates of the figures on screen. */
const REFRESH = 250;
/** Milliseconds that the server has to end a stopped generation by itself. */
const GRACE = 2000;
/** Milliseconds in which a page that is going, whose streams break first, is gone: the next page finds them again. */
export const GOING = 1000;
/** Milliseconds between two looks at whether a stream that broke is still wanted. */
const WAIT = 50;

export class Generation {
  phase = $state<Phase>("idle");
  progress = $state.raw<Progress | null>(null);
  /** Tokens a second: as they arrive while writing, as the engine measured it after. */
  speed = $state<number | null>(null);
  /** Tokens written so far. */
  count = $state(0);
  stats = $state.raw<Stats | null>(null);
  /** What another page is writing into the story, by the key that stops it; empty for nothing. */
  elsewhere = $state("");
  /** The most tokens of the piece. */
  max = $state(0);
  /** Seconds until the prompt is read, by how fast it was read so far; null while that is not known. */
  secondsLeft = $state<number | null>(null);

  /** What was drawn, with what could have been, where that was asked for. */
  tokens: TokenChance[] = [];

  readonly #api: Api;
  #genkey = "";
  /** The name of the stream, if it goes on without this page. */
  #stream = "";
  #controller = new AbortController();
  #meter = new Meter();
  #readFrom: { processed: number; at: number } | null = null;

  constructor(api: Api) {
    this.#api = api;
  }

  get isRunning(): boolean {
    return this.isOurs || this.elsewhere !== "";
  }

  /** Whether what is written goes into the text, and is not only offered. */
  isPiece = false;

  /** Whether it is this page that writes. */
  get isOurs(): boolean {
    return this.phase !== "idle";
  }

  /**
   * Writes what the server answers, `fit` to its place.
   *
   * @param request A new one, or a stream that was found again.
   * @param isResumable Whether it goes on for a while where nobody listens.
   * @param watch Who is told what becomes of it.
   * @throws ApiError What had arrived is written and finished all the same.
   */
  async run(request: GenerateRequest | Stream, writing: Writing, fit: (chunk: string) => string, isResumable = false, watch: Watch = {}): Promise<Outcome> {
    if (this.#isStopping) {
      if (isStream(request)) this.#dropStream(request.stream);
      this.phase = "idle";
      return { reason: "stopped", wrote: false };
    }
    this.#begin(request);
    const outcome: Outcome = { reason: "stop", wrote: false };
    try {
      for await (const event of this.#events(request, isResumable, watch)) {
        if (event.kind === "begun") {
          this.#stream = event.stream;
          if (!isStream(request)) takeSeed(request, event.seed);
          watch.onBegun?.(event.stream);
        }
        if (event.kind === "text") {
          outcome.wrote = true;
          writing.append(fit(event.text));
        }
        if (event.kind === "finish") outcome.reason = event.reason;
        this.#note(event);
      }
    } catch (error) {
      if (!this.#isStopping) {
        this.#drop(GOING); // nobody would see what it writes
        throw error;
      }
    } finally {
      writing.finish();
      if (this.#isStopping) outcome.reason = "stopped";
      this.#end();
    }
    return outcome;
  }

  #events(request: GenerateRequest | Stream, isResumable: boolean, { onLink = () => undefined }: Watch): AsyncIterable<GenerateEvent> {
    const { signal } = this.#controller;
    const isConversation = isStream(request) ? request.isConversation : request.messages !== undefined;
    const again = (): AsyncIterable<GenerateEvent> => this.#api.resume(this.#stream, isConversation, signal);
    const isWanted = (): boolean => this.#stream !== "" && !this.#isStopping;
    const rest = async (milliseconds: number): Promise<void> => {
      const end = performance.now() + milliseconds;
      while (isWanted() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, WAIT));
      if (this.#isStopping) this.#drop();
    };
    return listen(isStream(request) ? again() : this.#api.generate(request, signal, isResumable), { isWanted, again, rest, onLink });
  }

  /** Somebody has pressed the button: from now on it can be stopped, also while the prompt is put together. */
  prepare(isPiece = false): void {
    this.phase = "sending";
    this.isPiece = isPiece;
    this.#genkey = "";
  }

  /** The prompt could not be put together. */
  giveUp(): void {
    this.phase = "idle";
  }

  stop(): void {
    if (this.elsewhere !== "") void this.#api.abort(this.elsewhere).catch(() => undefined);
    if (!this.isOurs || this.#isStopping) return;
    this.phase = "stopping";
    if (this.#genkey === "") return; // nothing was sent yet
    const controller = this.#controller;
    // Asked by key, the server ends the stream in order and still says what it cost; else the connection is cut.
    const hurry = (): void => {
      if (controller === this.#controller) this.#drop();
      controller.abort();
    };
    setTimeout(hurry, GRACE);
    this.#api.abort(this.#genkey).catch(hurry);
  }

  #drop(delay = 0): void {
    const stream = this.#stream;
    if (stream !== "") setTimeout(() => this.#dropStream(stream), delay);
    this.#stream = "";
  }

  #dropStream(stream: string): void {
    void this.#api.drop(stream).catch(() => undefined);
  }

  get #isStopping(): boolean {
    return this.phase === "stopping";
  }

  #begin(request: GenerateRequest | Stream): void {
    const { genkey, max_length } = request;
    this.#stream = isStream(request) ? request.stream : "";
    this.phase = "sending";
    this.progress = null;
    this.tokens = [];
    this.stats = null;
    this.speed = null;
    this.count = 0;
    this.max = max_length;
    this.secondsLeft = null;
    this.#readFrom = null;
    this.#genkey = genkey;
    this.#controller = new AbortController();
    this.#meter = new Meter();
  }

  #note(event: GenerateEvent): void {
    if (event.kind === "progress") {
      const { total, cached, processed } = event;
      this.progress = { total, cached, processed };
      this.secondsLeft = this.#estimate(this.progress);
      if (this.phase === "sending") this.phase = "reading";
    } else if (event.kind === "text") {
      this.tokens.push(...(event.tokens ?? []));
      if (this.phase === "sending" || this.phase === "reading") this.phase = "writing";
      if (this.#meter.tick()) this.#show();
    } else if (event.kind === "stats") {
      this.stats = event;
    }
  }

  #estimate({ total, processed }: Progress): number | null {
    const now = performance.now();
    this.#readFrom ??= { processed, at: now };
    const done = processed - this.#readFrom.processed;
    return done > 0 ? ((now - this.#readFrom.at) / 1000 / done) * (total - processed) : null;
  }

  #show(): void {
    this.count = this.#meter.count;
    this.speed = this.#meter.speed;
  }

  #end(): void {
    this.#show();
    const { stats } = this;
    if (stats) {
      this.count = stats.completionTokens;
      this.speed = speedOf(stats);
    }
    this.phase = "idle";
  }
}

export const isStream = (request: GenerateRequest | Stream): request is Stream => "stream" in request && typeof request.stream === "string";

/** The seed that the server has drawn stands in the request that it belongs to: what was written with it can be told, also where it was stopped. */
export function takeSeed(request: GenerateRequest, seed: number | null): void {
  if (request.sampler_seed < 0 && seed !== null) request.sampler_seed = seed;
}

/** Names one generation, so that it can be stopped. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Counts what arrives; one arrival is about one token. */
class Meter {
  count = 0;
  #first = 0;
  #last = 0;
  #shown = 0;

  /** Counts one; true when it is time to show the figures again. */
  tick(): boolean {
    this.#last = performance.now();
    if (this.count === 0) this.#first = this.#last;
    this.count += 1;
    if (this.#last - this.#shown < REFRESH) return false;
    this.#shown = this.#last;
    return true;
  }

  get speed(): number | null {
    const seconds = (this.#last - this.#first) / 1000;
    return seconds > 0 ? (this.count - 1) / seconds : null;
  }
}
