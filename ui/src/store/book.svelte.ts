/** The story that is open: its journal, its branch in the editor, and everything that stands beside the text. */

import type { ChangeSet } from "@codemirror/state";

import { type BranchState, type Operation, type Places, type Runs, type StoriesApi, StoryBroken } from "../api/stories";
import { ApiError } from "../api/types";
import type { Story } from "../editor/story";
import { difference } from "../journal/difference";
import { Journal, newId } from "../journal/journal.svelte";
import type { Outbox } from "../journal/outbox";
import { sourcesOf } from "../journal/sources";
import { Units } from "../journal/units";
import { branchesOf } from "./branches";
import { Carets } from "./carets";
import { runsIn } from "./cherry";
import { Kept, type Read, withLeft } from "./kept";
import type { BookEvents, Broken, Loaded, Written } from "./opened";
import { problemOf, stepProblem } from "./notices";
import { isAside, NOTHING, valueAt, withOperations } from "./places";
import { sample } from "./sample";
import { Steps } from "./steps.svelte";

export { newId } from "../journal/journal.svelte";
export type { BranchState, Places, Runs } from "../api/stories";
export type { BookEvents, Broken } from "./opened";

export class Book {
  /** null while a story is being opened. */
  id = $state<string | null>(null);
  branch = $state("main");
  places = $state.raw<Places>(NOTHING);
  branches = $state.raw<Readonly<Record<string, BranchState>>>({});
  journal = $state.raw<Journal | null>(null);
  broken = $state.raw<Broken | null>(null);
  readonly steps = new Steps();
  readonly kept: Kept;
  hasOutbox = $state(true);
  /** There was no story before this visit. */
  isFirst = false;

  readonly #api: StoriesApi;
  readonly #carets: Carets;
  readonly #events: BookEvents;
  readonly #units = new Units(newId);
  #story: Story | null = null;
  #loaded: Loaded = { text: "", runs: [], at: null };
  /** What was to be opened last: what comes of an earlier wish is not shown. */
  #wanted: { id: string } | null = null;
  /** How many changes of others, and steps back and forth, the page was told. */
  #numHeard = 0;

  constructor(api: StoriesApi, storage: Storage | null, events: BookEvents) {
    this.#api = api;
    this.kept = new Kept(api, newId());
    this.#carets = new Carets(storage);
    this.#events = events;
  }

  get text(): string {
    return this.#story?.text() ?? this.#loaded.text;
  }

  get loaded(): Loaded {
    return this.#loaded;
  }

  attach(story: Story | null): void {
    if (this.#story && !story) this.#loaded = { text: this.#story.text(), runs: this.#story.runs(), at: this.#story.caret() };
    this.#story = story;
  }

  /** Opens the story that the address names, else the one that was changed last, else a new one. */
  async start(outbox: Outbox | null, wanted: { story: string | null; branch: string | null }): Promise<void> {
    this.hasOutbox = outbox !== null;
    await this.kept.start(outbox, this.#events.onOrphan, (words) => this.create(words));
    if (wanted.story) return this.open(wanted.story, wanted.branch);
    const [last] = (await this.#api.list({ limit: 1 })).stories;
    this.isFirst = last === undefined;
    return last ? this.open(last.id, null) : this.create(sample());
  }

  async create(operations: readonly Operation[]): Promise<void> {
    const sent = operations.map((operation) => ({ ...operation, id: newId(), unit: "begin" }));
    await this.open((await this.#api.create({ id: newId(), operations: sent })).id, null);
  }

  async open(id: string, branch: string | null): Promise<void> {
    const wanted = (this.#wanted = { id });
    await this.journal?.flush();
    try {
      const found = await this.kept.read(id, () => (this.journal?.story === id && !this.journal.isClean ? this.journal.waiting : null));
      if (this.#wanted === wanted) this.#show(id, found, branch);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.#wanted !== wanted) return;
      this.#leaveStory();
      const readable = error instanceof StoryBroken ? error.readable : null;
      this.broken = { id, message: problemOf(error), readable };
    }
  }

  /** Opens a copy of what could still be read of a story. */
  async rescue({ id, readable }: Broken): Promise<void> {
    if (readable === null) return;
    await this.open((await this.#api.create({ copy_of: id, version: readable })).id, null);
  }

  /** Shows another branch, and makes it the one that is written on. */
  async switchTo(branch: string): Promise<void> {
    if (!this.id || branch === this.branch) return;
    this.add({ kind: "select", branch });
    await this.open(this.id, branch);
  }

  /** A branch that leaves this one, with its text up to a place, or with another text; shown at once. */
  async branchOff(at: number, text: string | null, runs: Runs, name = ""): Promise<void> {
    const branch = newId();
    const own = text === null ? { at } : { text, runs };
    const begun = text === null ? this.#until(at) : { text, runs };
    this.add({ kind: "branch", branch, parent: this.branch, ...own, ...(name ? { name } : {}) });
    await this.#moveTo(branch, begun);
  }

  #until(at: number): Written {
    return { text: this.text.slice(0, at), runs: runsIn(this.#story?.runs() ?? this.#loaded.runs, 0, at) };
  }

  /** Shows a new branch, of which all is known here, without reading a long story anew; unless others wrote meanwhile. */
  async #moveTo(branch: string, begun: Written): Promise<void> {
    const { id, journal, branch: left } = this;
    if (!id || !journal) return;
    this.add({ kind: "select", branch });
    const [numHeard, wanted] = [this.#numHeard, this.#wanted];
    const isSaved = await journal.flush();
    if (this.#wanted !== wanted) return;
    if (!isSaved || this.#numHeard !== numHeard || this.journal !== journal) return this.open(id, branch);
    this.#keepCaret();
    const behind = this.#until(this.text.length);
    const of = (name: string, written: Written): BranchState => ({ ...this.branches[name], ...written });
    this.branches = { ...this.branches, [left]: of(left, behind), [branch]: of(branch, begun) };
    this.#display(branch, begun);
    this.steps.set({ canUndo: false, canRedo: false });
    this.#events.onOpen(id, branch);
  }

  /** Words that were offered and put away are kept, and found beside the takes. */
  keepGhost({ piece, text }: { piece: string; text: string }): void {
    if (text.trim() !== "") this.put(`takes/${newId()}`, { slot: "ghost", piece, text });
  }

  /** Reads the story anew: something was changed on the server by more than operations of this page. */
  async reopen(): Promise<void> {
    if (this.id) await this.open(this.id, this.branch);
  }

  /** Reads the texts of all branches as they are now. */
  async refresh(): Promise<void> {
    const { id, journal } = this;
    if (!id || !journal || !(await journal.flush())) return;
    const { state } = await this.#api.get(id);
    if (this.id === id) this.branches = branchesOf(state);
  }

  put(place: string, value: unknown): void {
    this.add({ kind: "put", place, value }, this.#units.ofPlace(place, valueAt(this.places, place), value, performance.now()));
  }

  remove(place: string): void {
    this.add({ kind: "remove", place });
  }

  /** Does something besides editing the text, here and in the journal. */
  add(operation: Exclude<Operation, { kind: "edit" }>, unit?: string): void {
    const id = newId();
    const was = "place" in operation ? valueAt(this.places, operation.place) : undefined;
    this.#take([operation]);
    this.journal?.add({ kind: "other", id, unit: unit ?? id, operation, was });
  }

  /** The text was changed in the editor. */
  edited(changes: ChangeSet, piece: string, event: string): void {
    const unit = this.#units.of(changes, piece, event, performance.now());
    this.journal?.add({ kind: "edit", id: newId(), unit, branch: this.branch, changes, piece });
    this.steps.done("do");
  }

  /** All that a generation changes from now on is one step. */
  beginPiece(id: string): void {
    this.#units.begin(id);
  }

  endPiece(): void {
    this.#units.endGeneration();
  }

  /**
   * A step of undo or redo in the text, or at a place beside it, by the journal; by the editor alone where the server is away.
   *
   * @returns Why the journal did not do it, as a writer reads it; null where it did.
   */
  async step(verb: "undo" | "redo", place = ""): Promise<string | null> {
    const { journal } = this;
    if (!journal) return stepProblem(null);
    this.#units.end();
    this.steps.ask(this.#story);
    try {
      const stepped = await journal.step(verb, place || `text/${this.branch}`);
      if (place === "" && this.journal === journal) this.steps.stepped(verb, stepped);
      return null;
    } catch (error) {
      return stepProblem(error);
    }
  }

  leave(): void {
    this.#keepCaret();
    this.journal?.leave();
  }

  #show(id: string, read: Read, wanted: string | null): void {
    const { version, state, steps } = read;
    this.#leaveStory();
    const branch = wanted !== null && wanted in state.branches ? wanted : state.selected;
    const { text = "", runs = [] } = state.branches[branch] ?? {};
    this.id = id;
    this.#display(branch, { text, runs });
    this.branches = branchesOf(state);
    this.places = { ...NOTHING, ...state };
    this.steps.set(steps[`text/${branch}`] ?? { canUndo: false, canRedo: false });
    this.journal = new Journal(this.#api, this.kept.outbox, this.#listener(), { story: id, version, author: this.kept.author });
    this.journal.watch();
    this.kept.adopt(this.journal, read);
    if (read.entries.some((entry) => entry.kind === "edit" && entry.branch === branch)) this.steps.done("do");
    this.#events.onOpen(id, branch);
  }

  #display(branch: string, { text, runs }: Written): void {
    const at = this.id === null ? null : this.#carets.of(this.id, branch);
    this.#loaded = { text, runs, at };
    this.#story?.load(text, runs, at);
    this.branch = branch;
  }

  #keepCaret(): void {
    if (this.id && this.#story) this.#carets.keep(this.id, this.branch, this.#story.caret());
  }

  #leaveStory(): void {
    this.#keepCaret();
    this.journal?.close();
    this.journal = null;
    this.broken = null;
    this.id = null;
    this.places = NOTHING;
  }

  #listener(): ConstructorParameters<typeof Journal>[2] {
    return {
      lengthOf: (branch) => (branch === this.branch ? (this.#story?.length() ?? this.#loaded.text.length) : -1),
      onEdit: (_branch, changes, record) => {
        this.#numHeard += 1;
        this.steps.follow(record.role, this.#story, (moves) => this.#story?.applyRemote(changes, sourcesOf(record), moves));
      },
      onPlaces: (records) => {
        this.#numHeard += records.length;
        this.#take(records);
      },
      onConflict: () => void this.#meet(),
      onMet: (places) => this.#events.onMet(places),
    };
  }

  /** Both changed the same: whichever is chosen, the other one becomes a branch. */
  async #meet(): Promise<void> {
    const { id, journal, branch } = this;
    if (!id || !journal) return;
    const mine = { text: this.text, runs: this.#story?.runs() ?? [] };
    const newest = await this.#api.get(id);
    const theirs = newest.state.branches[branch] ?? { text: "", runs: [] };
    const goOn = async (isOurs: boolean): Promise<void> => {
      const { operations } = journal.waiting;
      await journal.abandon();
      this.#show(id, withLeft(newest), branch);
      for (const one of operations) if (one.kind !== "edit") this.add(one, one.unit);
      const { text, runs } = isOurs ? theirs : mine;
      this.add({ kind: "branch", branch: newId(), parent: branch, text, runs });
      const change = isOurs ? difference(theirs.text, mine.text) : null;
      if (change) this.#story?.insert(change.from, change.to, change.insert, "");
    };
    this.#events.onConflict(() => void goOn(true), () => void goOn(false));
  }

  #take(operations: readonly Operation[]): void {
    const next = withOperations({ places: this.places, branches: this.branches }, operations);
    this.places = next.places;
    this.branches = next.branches;
    if (!operations.every((one) => "place" in one && isAside(one.place))) this.#events.onPlace();
  }
}
