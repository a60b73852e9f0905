/** All stories: the list, the trash, search, and what comes in and goes out as files. */

import type { Shelf, StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import { problemOf } from "./notices";
import type { CardExport, Export } from "./exports";
import { linesOf, type ReportLine } from "./report";
import { Shelves } from "./shelves.svelte";

export type { Shelf } from "../api/stories";

/** Milliseconds after the last letter before a search, and before it is asked again for stories that were not searched yet. */
const PAUSE = 150;
const AGAIN = 100;

/** So many stories are found by their names. */
const MOST_NAMED = 60;

export class Library {
  readonly shelves = new Shelves();
  /** Whether the stories that are shown are those of the trash. */
  isTrash = $state(false);
  numTrashed = $state(0);
  /** Stories whose titles hold what was typed last, for the palette. */
  named = $state.raw<readonly Shelf[]>([]);
  report = $state.raw<readonly ReportLine[]>([]);
  failure = $state("");

  readonly #api: StoriesApi;
  #words = $state("");
  /** Whether the trash was asked for last; what is shown follows with the answer. */
  #wantsTrash = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #numNamings = 0;

  constructor(api: StoriesApi) {
    this.#api = api;
  }

  get isSearch(): boolean {
    return this.#words !== "";
  }

  /** Reads the list: the same again as far as it is shown, or another one from its beginning. */
  async look(isSame = true): Promise<void> {
    clearTimeout(this.#timer);
    const isTrash = this.#wantsTrash;
    const words = this.#words;
    await this.#try(async () => {
      const trash = this.#api.list({ isTrash: true, limit: 1 });
      const [isNewest, { count }] = await Promise.all([this.#list({ isTrash, words }, isSame), trash]);
      if (!isNewest) return;
      this.numTrashed = count;
      if (this.shelves.numUnread > 0) this.#later(AGAIN, true);
    });
  }

  /** Rows of the list are on screen. */
  async show(from: number, to: number): Promise<void> {
    await this.#try(() => this.shelves.show(from, to));
  }

  /** Nobody looks any more. */
  leave(): void {
    clearTimeout(this.#timer);
    [this.#wantsTrash, this.#words] = [false, ""];
  }

  /** Only stories with these words, a moment after the last letter; all of them again where there is none. */
  search(words: string): void {
    this.#words = words.trim();
    this.#later(this.#words === "" ? 0 : PAUSE, false);
  }

  /** From the stories to the trash, or back. */
  async turn(): Promise<void> {
    this.#wantsTrash = !this.#wantsTrash;
    await this.look(false);
  }

  /** Finds stories by a part of their names. */
  async name(title: string): Promise<void> {
    const number = ++this.#numNamings;
    await this.#try(async () => {
      const { stories } = await this.#api.list({ title, limit: MOST_NAMED });
      if (number === this.#numNamings) this.named = stories;
    });
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

  /** What can be done to a story depends on the list that it is of: both change at once. */
  async #list(list: { isTrash: boolean; words: string }, isSame: boolean): Promise<boolean> {
    const isNewest = await this.shelves.look((offset, limit) => this.#api.list({ ...list, offset, limit }), isSame);
    if (isNewest) this.isTrash = list.isTrash;
    return isNewest;
  }

  #later(milliseconds: number, isSame: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(isSame), milliseconds);
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
