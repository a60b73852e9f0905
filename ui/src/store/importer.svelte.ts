/** Files on their way in: each is looked at first, and nothing of it is in the library before the writer says so. */

import type { StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import { formatOf, linesOf, type Phrase, refusalOf, type ReportLine } from "./report";

/** "reading": being looked at; "ready": waits for the writer; "bringing": on its way into the library. */
export type Stage = "reading" | "ready" | "refused" | "bringing" | "done";
export type Kind = "story" | "parts" | "backup";

export interface Item {
  id: number;
  file: File;
  stage: Stage;
  /** How much of the file was sent, 0 to 1. */
  sent: number;
  kind: Kind;
  /** What kind of file it is; null before it was looked at. */
  format: Phrase | null;
  title: string;
  beginning: string;
  report: readonly ReportLine[];
  /** Why it was refused; null where it was not. */
  problem: Phrase | null;
  /** The story that it became, or that it was added to. */
  story: string | null;
}

const KINDS: readonly Kind[] = ["story", "parts", "backup"];
const string = (value: unknown): string => (typeof value === "string" ? value : "");

export class Importer {
  items = $state.raw<readonly Item[]>([]);

  readonly #api: StoriesApi;
  #count = 0;
  /** One file after the other: many large ones at once would only wait for each other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(api: StoriesApi) {
    this.#api = api;
  }

  /** Looks at files, one after the other. */
  take(files: Iterable<File>): void {
    for (const file of files) {
      const id = this.#count++;
      const empty = { kind: "story", format: null, title: "", beginning: "", report: [], problem: null, story: null } as const;
      this.items = [...this.items, { id, file, stage: "reading", sent: 0, ...empty }];
      this.#queue = this.#queue.then(() => this.#look(id));
    }
  }

  /** A text that was pasted: JSON is some program's file, anything else a story. */
  paste(text: string): void {
    const isJson = /^\s*[[{]/.test(text);
    this.take([new File([text], isJson ? "pasted.json" : "pasted.txt", { type: "text/plain" })]);
  }

  leaveOut(id: number): void {
    this.items = this.items.filter((item) => item.id !== id);
  }

  /** What was brought or refused is not shown again. */
  tidy(): void {
    this.items = this.items.filter(({ stage }) => stage !== "done" && stage !== "refused");
  }

  /** Makes a story of a file, or adds it to one; gives the story's id, or null where it was refused or is many. */
  async bring(id: number, into: string | null): Promise<string | null> {
    const item = this.items.find((one) => one.id === id);
    if (item?.stage !== "ready") return null;
    this.#change(id, { stage: "bringing", sent: 0 });
    let story: string | null = null;
    await this.#try(id, async () => {
      const said = await this.#api.bring(item.file, into, (sent) => this.#change(id, { sent }));
      const made = (said.story ?? {}) as Record<string, unknown>;
      story = item.kind === "backup" ? null : (into ?? string(made.id));
      this.#change(id, { stage: "done", story, report: linesOf(said.report) });
    });
    return story;
  }

  async #look(id: number): Promise<void> {
    const item = this.items.find((one) => one.id === id);
    if (!item) return;
    await this.#try(id, async () => {
      const said = await this.#api.preview(item.file, (sent) => this.#change(id, { sent }));
      const kind = KINDS.find((one) => one === said.kind) ?? "story";
      const about = { title: string(said.title), beginning: string(said.beginning), report: linesOf(said.report) };
      this.#change(id, { stage: "ready", kind, format: formatOf(said.report), ...about });
    });
  }

  #change(id: number, change: Partial<Item>): void {
    this.items = this.items.map((item) => (item.id === id ? { ...item, ...change } : item));
  }

  async #try(id: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#change(id, { stage: "refused", problem: refusalOf(error) });
    }
  }
}
