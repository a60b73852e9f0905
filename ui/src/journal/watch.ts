/**
 * What others append to a story. A browser has few connections to a server for all its windows together, so one window
 * listens, and tells the others of the same story; another one does once it is closed or hidden.
 */

import type { Recorded, StoriesApi } from "../api/stories";
import { AGAIN, stateAfter } from "./events";
import { inTurn, knowsPages, whenGoneBefore } from "./pages";

export interface Heard {
  operations(records: readonly Recorded[]): void;
  /** How many windows have the story open, this one included. */
  open(count: number): void;
}

/** What is watched, from which version on, by whom. */
export interface Watched {
  story: string;
  author: string;
  version(): number;
}

/** What windows tell each other. */
type Word =
  | { kind: "operations"; records: readonly Recorded[] }
  | { kind: "open"; count: number }
  | { kind: "who" }
  | { kind: "here" | "away"; author: string };

export class Watch {
  readonly #api: Pick<StoriesApi, "watch" | "operations">;
  readonly #at: Watched;
  readonly #heard: Heard;
  /** null without locks, and at the end. */
  #channel: BroadcastChannel | null;
  #listening = new AbortController();
  #isLeading = false;
  /** Of the window that listens: the others of this browser, with what ends the wait for their end, and how many browsers listen. */
  readonly #others = new Map<string, AbortController>();
  #numBrowsers = 1;

  constructor(api: Pick<StoriesApi, "watch" | "operations">, at: Watched, heard: Heard) {
    this.#api = api;
    this.#at = at;
    this.#heard = heard;
    this.#channel = knowsPages() ? new BroadcastChannel(`coblyn-story-${at.story}`) : null;
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Word>) => this.#meet(data));
    if (typeof document !== "undefined") document.addEventListener("visibilitychange", this.#look);
    this.#tell({ kind: "here", author: at.author });
    this.#look();
  }

  close(): void {
    if (typeof document !== "undefined") document.removeEventListener("visibilitychange", this.#look);
    this.#listening.abort();
    this.#tell({ kind: "away", author: this.#at.author });
    this.#channel?.close();
    this.#channel = null;
  }

  readonly #look = (): void => {
    this.#listening.abort();
    if (typeof document !== "undefined" && document.hidden) return;
    const { signal } = (this.#listening = new AbortController());
    if (this.#channel) void inTurn(`coblyn-watch-${this.#at.story}`, signal, () => this.#lead(signal), () => void this.#catchUp());
    else void this.#listen(signal);
  };

  /** What was appended while nobody told this window; nothing once it is closed. */
  async #catchUp(): Promise<void> {
    const { story, version } = this.#at;
    while (this.#channel) {
      const failed = (error: unknown): Recorded[] | null => (stateAfter(error) === "refused" ? [] : null);
      const records = await this.#api.operations(story, version(), 10_000).catch(failed);
      if (records) return void (this.#channel && this.#heard.operations(records));
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  /** Listens for all windows of this browser, until it is not to any more. */
  #lead(signal: AbortSignal): Promise<void> {
    this.#isLeading = true;
    signal.addEventListener("abort", () => {
      this.#isLeading = false;
      for (const author of this.#others.keys()) this.#forget(author);
    });
    this.#tell({ kind: "who" });
    return this.#listen(signal);
  }

  #listen(signal: AbortSignal): Promise<void> {
    const stop = this.#api.watch(this.#at.story, this.#at.version(), {
      operations: (records) => {
        this.#heard.operations(records);
        this.#tell({ kind: "operations", records });
      },
      open: (count) => {
        this.#numBrowsers = count;
        this.#count();
      },
    });
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(stop())));
  }

  #meet(word: Word): void {
    if (word.kind === "operations") this.#heard.operations(word.records);
    else if (word.kind === "open") this.#heard.open(word.count);
    else if (word.kind === "who") {
      this.#tell({ kind: "here", author: this.#at.author });
      void this.#catchUp();
    } else this.#note(word.author, word.kind === "here");
  }

  #note(author: string, isHere: boolean): void {
    if (!this.#isLeading) return;
    if (!isHere) this.#forget(author);
    else if (!this.#others.has(author)) {
      const left = new AbortController();
      this.#others.set(author, left);
      void whenGoneBefore(left.signal, author, () => this.#note(author, false));
    }
    this.#count();
  }

  #forget(author: string): void {
    this.#others.get(author)?.abort();
    this.#others.delete(author);
  }

  #count(): void {
    const count = this.#numBrowsers + this.#others.size;
    this.#heard.open(count);
    this.#tell({ kind: "open", count });
  }

  #tell(word: Word): void {
    this.#channel?.postMessage(word);
  }
}
