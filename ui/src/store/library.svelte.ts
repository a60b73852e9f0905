/** All stories: the list, the trash, search, and what comes in and goes out as files. */

import type { Shelf, StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import { problemOf } from "./notices";
import type { CardExport, Export } from "./exports";
import { linesOf, type ReportLine } from "./report";

export type { Shelf } from "../api/stories";

export interface Found {
  story: string;
  title: string;
  excerpt: string;
}

export class Library {
  stories = $state.raw<readonly Shelf[]>([]);
  trash = $state.raw<readonly Shelf[]>([]);
  found = $state.raw<readonly Found[] | null>(null);
  report = $state.raw<readonly ReportLine[]>([]);
  failure = $state("");

  readonly #api: StoriesApi;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Numbers of the last look and the last search: what answers an earlier one is out of date. */
  #looks = 0;
  #searches = 0;

  constructor(api: StoriesApi) {
    this.#api = api;
  }

  async look(): Promise<void> {
    const number = ++this.#looks;
    await this.#try(async () => {
      const [stories, trash] = await Promise.all([this.#api.list(), this.#api.list(true)]);
      if (number === this.#looks) [this.stories, this.trash] = [stories, trash];
    });
  }

  /** Searches a moment after the last letter; nothing to search for shows all stories again. */
  search(words: string): void {
    clearTimeout(this.#timer);
    this.#searches += 1;
    if (words.trim() === "") {
      this.found = null;
      return;
    }
    this.#timer = setTimeout(() => void this.#try(() => this.#search(words)), 150);
  }

  async move(id: string, verb: "trash" | "restore"): Promise<void> {
    await this.#try(() => this.#api.trash(id, verb));
    await this.look();
  }

  async emptyTrash(): Promise<void> {
    await this.#try(() => this.#api.emptyTrash());
    await this.look();
  }

  /** Cards and lore of a file, into a story; false where the file could not be read. */
  async bringInto(story: string, file: File): Promise<boolean> {
    let isDone = false;
    await this.#try(async () => {
      this.report = linesOf((await this.#api.bring(file, story, () => undefined)).report);
      isDone = true;
    });
    return isDone;
  }

  exportAddress(id: string, format: Export, branch = ""): string {
    const asked = { ...(format === "own" ? {} : { format }), ...(branch === "" ? {} : { branch }) };
    return this.#api.exportAddress(id, asked);
  }

  cardAddress(id: string, character: string, format: CardExport): string {
    return this.#api.exportAddress(id, { format, which: character });
  }

  /** Where the picture of a character is; null for one that has none. */
  portraitAddress(id: string, character: string, value: Readonly<Record<string, unknown>>): string | null {
    return typeof value.portrait === "string" ? this.#api.portraitAddress(id, character) : null;
  }

  get backupAddress(): string {
    return this.#api.backupAddress;
  }

  async #search(words: string): Promise<void> {
    const number = this.#searches;
    const hits = await this.#api.search(words);
    if (number !== this.#searches) return;
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    this.found = hits.map((hit) => ({ story: text(hit.story), title: text(hit.title), excerpt: text(hit.excerpt) }));
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.failure = "";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = problemOf(error);
    }
  }
}
