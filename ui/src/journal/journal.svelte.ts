/**
 * A story's journal as this page has it: what was done here goes to the outbox and to the server at once, what others
 * did comes in, and both are moved past each other. The editor and the panels are told; they never wait.
 */

import { type Appended, type Operation, type Possible, type Recorded, sinceOf, type StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import { AGAIN, type JournalEvents, type SaveState, SILENT, stateAfter, type Step } from "./events";
import { newId } from "./ids";
import { joinedWith, othersIn } from "./meeting";
import { Newest } from "./newest";
import type { Outbox, Waiting } from "./outbox";
import { added, crossed, type Entry, inParts, lengthBefore, toChangeSet, toSent } from "./queue";
import { Watch } from "./watch";

export { newId } from "./ids";
export type { JournalEvents, SaveState, Step } from "./events";

/** Milliseconds between two batches, and until a wait is worth a word. */
const BATCH = 250;
const PATIENCE = 1000;

export class Journal {
  save = $state<SaveState>("saved");
  /** How many pages have the story open. */
  numOpen = $state(1);
  /** Why the server refused. */
  refusal = $state.raw<ApiError | null>(null);

  readonly story: string;
  readonly #api: StoriesApi;
  readonly #outbox: Outbox | null;
  #events: JournalEvents;
  readonly #author: string;
  #version: number;
  #sent: Entry[] = [];
  #waiting: Entry[] = [];
  /** A batch or a step is under way. */
  #isBusy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #slow: ReturnType<typeof setTimeout> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #reading: ReturnType<typeof setTimeout> | undefined;
  #watch: Watch | null = null;
  /** Only the newest state is written: behind a slow disk, older ones would hold it up. */
  readonly #kept = new Newest(async () => this.#outbox?.keep(this.waiting, this.isCutOff));
  /** Changes beside the text that the page is not told of yet. */
  readonly #beside: Operation[] = [];
  /** The newest version that was heard of. */
  #newest = 0;
  #stepping: Promise<unknown> = Promise.resolve();

  constructor(api: StoriesApi, outbox: Outbox | null, events: JournalEvents, at: { story: string; version: number; author: string }) {
    this.#api = api;
    this.#outbox = outbox;
    this.#events = events;
    this.story = at.story;
    this.#version = at.version;
    this.#author = at.author;
  }

  get isClean(): boolean {
    return this.#sent.length + this.#waiting.length === 0;
  }

  /** Whether nothing can be saved now. */
  get isCutOff(): boolean {
    return this.save !== "saved" && this.save !== "saving";
  }

  get version(): number {
    return this.#version;
  }

  /** What is not acknowledged, as it is kept. */
  get waiting(): Waiting {
    return { author: this.#author, story: this.story, base: this.#version, operations: this.#ours.map(toSent) };
  }

  /** Listens for what others append, until it is closed. */
  watch(): void {
    this.#watch?.close();
    const at = { story: this.story, author: this.#author, version: () => this.#version };
    this.#watch = new Watch(this.#api, at, {
      operations: (records) => void this.#hear(records),
      open: (count) => (this.numOpen = count),
    });
  }

  /** What comes from now on is still counted as saved, but the page, which may show another story, is not told. */
  close(): void {
    this.#events = SILENT;
    if (!this.isClean) void this.#keep();
    this.#watch?.close();
    for (const timer of [this.#timer, this.#slow, this.#soon, this.#reading]) clearTimeout(timer);
  }

  add(entry: Entry): void {
    this.#waiting = added(this.#waiting, entry);
    this.#slow ??= setTimeout(() => (this.save = this.save === "saved" && !this.isClean ? "saving" : this.save), PATIENCE);
    // Also while an answer is waited for, or the server is away: the browser may be gone before it comes.
    this.#soon ??= setTimeout(() => void this.#keep(), BATCH);
    this.#schedule(BATCH);
  }

  /** What was done on the story as it is opened, by a page that is gone or before it was left: it is sent as if done here. */
  adopt(entries: readonly Entry[]): Promise<void> {
    this.#waiting = [...entries];
    this.save = "saving";
    this.#schedule(0);
    return this.#keep();
  }

  /** Sends what waits now; done when nothing waits any more and nothing is being read, or it cannot be sent. */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#isBusy || !this.isClean) {
      if (this.#isBusy) await new Promise((resolve) => setTimeout(resolve, 20));
      else if (!(await this.#send())) return false;
    }
    return true;
  }

  /** Keeps what waits in this browser at once: the page may be gone in a moment. */
  leave(): void {
    void this.#keep();
    void this.flush();
  }

  /**
   * A step back or forth, as the journal has it.
   *
   * @returns Whether anything was done, and whether there is more.
   * @throws ApiError The server does not answer, or what was typed cannot be saved first.
   */
  step(verb: "undo" | "redo", scope: string): Promise<Step> {
    // One after the other: each is told in terms of the text after the one before.
    const done = this.#stepping.then(() => this.#step(verb, scope));
    this.#stepping = done.catch(() => undefined);
    return done;
  }

  /** Whether there is a step back or forth in a scope, behind all that was done here. @throws ApiError As of a step. */
  async steps(scope: string): Promise<Possible> {
    if (!(await this.flush())) throw new ApiError("gone", "");
    return this.#api.steps(this.story, scope);
  }

  async #step(verb: "undo" | "redo", scope: string): Promise<Step> {
    while (this.#isBusy || !this.isClean) if (!(await this.flush())) throw this.refusal ?? new ApiError("gone", "");
    this.#isBusy = true;
    try {
      const id = newId();
      const done = await this.#api.step(this.story, verb, { id, scope, author: this.#author });
      await this.#catchUp(done.operations);
      return { isDone: done.operations.length > 0, hasMore: done.hasMore };
    } finally {
      this.#rest();
    }
  }

  /** Forgets what waits: it was put elsewhere. */
  async abandon(): Promise<void> {
    [this.#sent, this.#waiting] = [[], []];
    await this.#keep();
  }

  #schedule(delay: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, delay);
  }

  /** Sends a batch; false if it was not taken. */
  async #send(): Promise<boolean> {
    if (this.#isBusy || this.save === "refused") return false;
    if (this.#sent.length === 0) [this.#sent, this.#waiting] = inParts(this.#waiting, toSent);
    if (this.#sent.length === 0) return true;
    this.#isBusy = true;
    void this.#keep();
    try {
      this.#accept(await this.#api.append(this.story, this.#version, this.#author, this.#sent.map(toSent)));
      return true;
    } catch (error) {
      return this.#fail(error);
    } finally {
      this.#rest();
    }
  }

  #accept(answer: Appended): void {
    for (const record of answer.since) this.#meet(record);
    this.#tell();
    this.#sent = [];
    this.#version = Math.max(this.#version, answer.version);
    void this.#keep();
    clearTimeout(this.#slow);
    this.#slow = undefined;
    this.save = "saved";
    this.refusal = null;
  }

  /** Ours comes back from a batch that was written although its answer was lost: what follows it stands on it. */
  #meet(record: Recorded): void {
    const isOther = ({ id }: Entry): boolean => id !== record.id;
    if (this.#ours.every(isOther)) return this.#apply(record);
    [this.#sent, this.#waiting] = [this.#sent.filter(isOther), this.#waiting.filter(isOther)];
  }

  /** Gives whether it can be sent again at once. */
  #fail(error: unknown): boolean {
    const state = stateAfter(error);
    const isConflict = error instanceof ApiError && error.type === "conflict";
    if (isConflict && this.#join(sinceOf(error))) {
      this.#schedule(0);
      return true;
    }
    this.save = state;
    if (isConflict) this.#events.onConflict();
    else if (state === "refused") this.refusal = error as ApiError;
    else this.#schedule(AGAIN);
    return false;
  }

  /** Joins what was changed beside the text here and elsewhere; false where a text was changed on both sides, too. */
  #join(since: readonly Recorded[]): boolean {
    const others = othersIn(since, this.#ours);
    if (others === null) return false;
    for (const record of since) this.#meet(record);
    this.#version = since.at(-1)?.version ?? this.#version;
    const { ours, met } = joinedWith(others, this.#ours);
    [this.#sent, this.#waiting] = [ours.slice(0, this.#sent.length), ours.slice(this.#sent.length)];
    this.#beside.push(...ours.flatMap((entry) => (entry.kind === "other" ? [entry.operation] : [])));
    this.#tell();
    if (met.length > 0) this.#events.onMet(met);
    return true;
  }

  get #ours(): Entry[] {
    return [...this.#sent, ...this.#waiting];
  }

  async #hear(records: readonly Recorded[]): Promise<void> {
    this.#newest = Math.max(this.#newest, records.at(-1)?.version ?? 0);
    // While a batch or a step is under way, its answer tells most of it in order.
    if (this.#isBusy || this.#sent.length > 0) return;
    this.#isBusy = true;
    const before = this.#version;
    const giveUp = (error: unknown): void => void (stateAfter(error) === "refused" && (this.#newest = this.#version));
    await this.#catchUp(records.filter(({ version }) => version > this.#version)).catch(giveUp);
    this.#rest(this.#version > before ? 0 : AGAIN);
  }

  /** Nothing is under way any more: what was heard meanwhile, and told by no answer, is read after a pause. */
  #rest(pause = 0): void {
    this.#isBusy = false;
    if (this.#waiting.length > 0) this.#schedule(BATCH);
    clearTimeout(this.#reading);
    if (this.#newest > this.#version && this.#events !== SILENT) this.#reading = setTimeout(() => void this.#hear([]), pause);
  }

  /** Takes in what comes next, and before it what was not heard. */
  async #catchUp(heard: readonly Recorded[]): Promise<void> {
    const isNext = heard[0]?.version === this.#version + 1;
    this.#newest = Math.max(this.#newest, heard.at(-1)?.version ?? 0);
    if (this.#newest <= this.#version) return;
    for (const record of isNext ? heard : await this.#api.operations(this.story, this.#version, 10_000)) {
      if (record.version <= this.#version) continue;
      this.#meet(record); // also a step of ours whose answer was lost
      this.#version = record.version;
    }
    this.#tell();
  }

  #tell(): void {
    const records = this.#beside.splice(0);
    if (records.length > 0) this.#events.onPlaces(records);
  }

  #apply(record: Recorded): void {
    if (record.kind !== "edit") return void this.#beside.push(record);
    const here = this.#events.lengthOf(record.branch);
    const length = lengthBefore(record.branch, this.#ours) ?? here;
    if (length < 0) return;
    const met = crossed(toChangeSet(record.changes, length), record.branch, this.#ours);
    this.#sent = met.ours.slice(0, this.#sent.length);
    this.#waiting = met.ours.slice(this.#sent.length);
    if (here >= 0) this.#events.onEdit(record.branch, met.theirs, record); // else it is read anew when it is shown
  }

  /** Keeps what waits in this browser. */
  #keep(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    return this.#kept.ask();
  }
}
