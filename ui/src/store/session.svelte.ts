/** The page's state and everything one can do on it. Views read it and call it; nothing else changes it. */

import type { ChangeSet } from "@codemirror/state";

import type { Api } from "../api/client";
import type { Piece, Runs, Story, StoryFacts } from "../editor/story";
import { newId } from "../journal/journal.svelte";
import type { Outbox } from "../journal/outbox";
import { say } from "../words/words.svelte";
import { Book, type BookEvents } from "./book.svelte";
import { Effect } from "./effect.svelte";
import { Elsewhere } from "./elsewhere";
import { Generation } from "./generation.svelte";
import { absentWords, conflictNotice, metNotice, type Notice, orphanNotice, storyNotice, type Topic } from "./notices";
import { Outlook } from "./outlook.svelte";
import { Pager } from "./pager";
import { Sampler } from "./sampler.svelte";
import { Server } from "./server.svelte";
import { Takes } from "./takes.svelte";
import { TakesAgain } from "./takesagain";
import { Writer } from "./writer";

const NUM_ALTERNATIVES = 6;
/** Milliseconds between two looks at an engine that is waited for. */
const WAIT = 100;

export class Session {
  /** How often the writer has done what the tour asks for. */
  deeds = $state.raw({ generations: 0, retries: 0, undos: 0 });
  facts = $state.raw<StoryFacts>({ length: 0, canUndo: false, canRedo: false, canRetry: false });
  notices = $state.raw<Notice[]>([]);
  /** The last thing that happened, for those who do not see it. */
  said = $state("");
  /** The last sentences that were written, likewise. */
  heard = $state("");
  /** False while text appears where the reader does not look. */
  isFollowing = $state(true);

  /** How many alternatives each token comes with; 0 while nobody wants to see them. */
  numAlternatives = 0;
  /** What is offered has come, or will not. */
  suggesting: Promise<void> = Promise.resolve();
  /** Where one writes in a mode with turns, while it is shown. */
  box: HTMLElement | null = null;

  readonly storage: Storage | null;

  readonly sampler: Sampler;
  readonly server: Server;
  readonly generation: Generation;
  readonly outlook: Outlook;
  readonly effect: Effect;
  readonly takes: Takes;
  readonly book: Book;
  readonly pager: Pager;
  #story: Story | null = null;
  readonly #writer = new Writer(this);
  readonly #elsewhere = new Elsewhere(this, (running) => void this.#writer.resume(running));
  readonly #takesAgain = new TakesAgain(this);

  constructor(api: Api, storage: Storage | null, onOpen: BookEvents["onOpen"]) {
    this.storage = storage;
    this.sampler = new Sampler(api, storage);
    this.server = new Server(api);
    this.takes = new Takes(api);
    this.generation = new Generation(api);
    this.book = new Book(api.stories, storage, {
      onOpen: (id, branch) => {
        onOpen(id, branch);
        if (this.takes.of !== `${id}/${branch}`) this.takes.close();
        this.outlook.reset();
        void this.#elsewhere.find();
        this.#takesAgain.find();
      },
      onPlace: () => this.outlook.changed(),
      onOrphan: (words, ...choices) => this.notify(orphanNotice(words, choices, () => this.close("left"))),
      onMet: (places) => this.notify(metNotice(places, this.book.places)),
      onConflict: (...choices) => this.notify(conflictNotice(choices, () => this.close("tabs"))),
    });
    this.pager = new Pager(this.book, () => this.#story);
    this.outlook = new Outlook(api, this.book, this.sampler, () => this.server.isReady, storage);
    this.effect = new Effect(api, this.book, this.outlook, this.sampler, () => this.server.isReady);
  }

  get text(): string {
    return this.book.text;
  }

  get piece(): Piece | null {
    return this.#story?.piece() ?? null;
  }

  get story(): Story | null {
    return this.#story;
  }

  /** Opens a story; what cannot be opened is told, and nothing takes its place. */
  async start(outbox: Outbox | null, wanted: { story: string | null; branch: string | null }): Promise<void> {
    try {
      await this.book.start(outbox, wanted);
      if (!this.book.hasOutbox) this.notify({ topic: "storage", tone: "info", title: say().storageNone, advice: say().storageHint });
    } catch (error) {
      this.notify(storyNotice(error, () => { this.close("story"); void this.start(outbox, wanted); }));
    }
  }

  /** Shows another story or branch, once what is being written has stopped. */
  async open(id: string, branch: string | null): Promise<void> {
    await this.settle();
    await this.book.open(id, branch);
  }

  /** A new story, empty or with a text. */
  async begin(text = "", title = ""): Promise<void> {
    await this.settle();
    const words = text === "" ? [] : [{ kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: text }] } as const];
    await this.book.create([...(title ? [{ kind: "put", place: "title", value: title } as const] : []), ...words]);
    this.focus();
  }

  attach(story: Story | null): void {
    this.#story = story;
    this.book.attach(story);
  }

  /** The editor says that the document or its history has changed. */
  storyChanged(facts: StoryFacts, textChanged: boolean): void {
    this.facts = facts;
    if (textChanged && !this.generation.isRunning) this.outlook.changed();
  }

  edited(changes: ChangeSet, piece: string, event: string): void {
    this.book.edited(changes, piece, event);
  }

  /** Writes on at the end; true if the model came to an end by itself. It may be kept from ending the text at once. */
  async generate(keepsOn = false): Promise<boolean> {
    if (!(await this.canAsk(true))) return false;
    this.deeds = { ...this.deeds, generations: this.deeds.generations + 1 };
    return this.#writer.write("end", "", keepsOn);
  }

  /**
   * Whether there is a text, and somebody to write it; else it says why not, unless that has passed meanwhile.
   *
   * @param mayWait Whether an engine that is on its way will do.
   */
  async canAsk(mayWait = false): Promise<boolean> {
    const { server } = this;
    if (!this.#story) return false;
    if (server.absence) await server.check();
    const why = server.absence ?? (server.isComing && !mayWait ? "coming" : null);
    if (why) this.notify({ topic: "absence", tone: why === "coming" ? "info" : "error", ...absentWords(why, server.health?.failure ?? "") });
    return why === null;
  }

  /** The same where something is to be begun: nothing is being written, also once it has been asked. */
  async canBegin(mayWait = false): Promise<boolean> {
    const isBusy = (): boolean => this.generation.isRunning || this.takes.isWriting;
    return !isBusy() && (await this.canAsk(mayWait)) && !isBusy();
  }

  /**
   * Waits for an engine that is on its way.
   *
   * @returns False if the writer has stopped that, or none comes any more.
   */
  async awaitEngine(): Promise<boolean> {
    while (this.server.isComing && this.generation.phase === "sending") await new Promise((resolve) => setTimeout(resolve, WAIT));
    return this.generation.phase === "sending" && (this.server.absence === null || this.canAsk());
  }

  /** Another take of the last piece, from the same place; the old one comes back with undo. One that is being written is stopped first. */
  async retry(): Promise<boolean> {
    if (!this.canRetry) return false;
    if (this.generation.isRunning) await this.settle();
    if (this.generation.isRunning || !(await this.canAsk(true))) return false;
    this.deeds = { ...this.deeds, retries: this.deeds.retries + 1 };
    return this.#writer.write("piece");
  }

  closeTakes(): void {
    this.takes.close();
    this.#takesAgain.find(); // there is room for those of others
    this.outlook.changed();
    this.focus();
  }

  stop(): void {
    this.generation.stop();
    this.takes.stop();
  }

  get canUndo(): boolean {
    // Where nothing can be saved the editor takes the steps.
    const canUndo = this.book.journal?.isCutOff ? this.facts.canUndo : this.book.steps.canUndo;
    return this.book.id !== null && (canUndo || this.generation.isRunning);
  }

  get canRedo(): boolean {
    const canRedo = this.book.journal?.isCutOff ? this.facts.canRedo : this.book.steps.canRedo;
    return this.book.id !== null && canRedo && !this.generation.isRunning;
  }

  /** Also of the piece that is being written, once it has words: it is stopped first. */
  get canRetry(): boolean {
    const { isRunning, isPiece, phase } = this.generation;
    return this.book.id !== null && this.facts.canRetry && (!isRunning || (isPiece && phase === "writing")) && !this.takes.isWriting;
  }

  /** One step back; a generation that runs is stopped first, and is that step. */
  async undo(): Promise<void> {
    this.deeds = { ...this.deeds, undos: this.deeds.undos + 1 };
    // What another page writes is stopped first, and is a step then.
    if (this.generation.elsewhere !== "") return this.generation.stop();
    const { isOurs, isPiece: ofText, phase } = this.generation;
    const [isEarly, before] = [isOurs && ofText && phase !== "writing", this.text];
    await this.settle();
    if (isEarly && this.text === before) return; // nothing had happened yet
    if (await this.book.step("undo")) this.#story?.undo();
  }

  async redo(): Promise<void> {
    if (this.generation.isRunning) return;
    await this.settle();
    if (await this.book.step("redo")) this.#story?.redo();
  }

  /** Another course of the text from a place on, or the caret; what stands behind it stays on this branch. */
  async branchHere(at = this.#story?.caret() ?? 0): Promise<void> {
    await this.settle();
    if (this.#story) await this.book.branchOff(at, null, []);
  }

  /** Another model answers: what is known of it, and what a piece would cost, is asked anew. */
  async modelChanged(): Promise<void> {
    await this.server.check();
    this.outlook.reset();
  }

  /** To where one writes: the text, or the box of a mode with turns. */
  focus(): void {
    if (this.box) this.box.focus();
    else this.#story?.focus();
  }

  showEnd(): void {
    this.isFollowing = true;
    this.#story?.showEnd();
  }

  /** Keeps what is not acknowledged: the page may be gone in a moment. */
  leave(): void {
    this.book.leave();
  }

  close(topic: Topic): void {
    this.notices = this.notices.filter((notice) => notice.topic !== topic);
  }

  notify(notice: Omit<Notice, "actions" | "canClose"> & Partial<Notice>): void {
    const whole = { actions: [], canClose: true, ...notice };
    this.notices = [...this.notices.filter(({ topic }) => topic !== notice.topic), whole];
  }

  /** Stops what is being written, and waits until all of it is in the text. */
  async settle(): Promise<void> {
    if (this.generation.isOurs) this.generation.stop();
    await Promise.all([this.#writer.done, this.suggesting]);
  }

  /** Heat and alternatives on the words that a model draws from now on; shown or not. */
  showChances(isShown: boolean): void {
    this.numAlternatives = isShown ? NUM_ALTERNATIVES : 0;
    this.#story?.showChances(isShown);
  }

  /** A branch from a token that could have been, written on from there. */
  async growFrom(at: number, token: string): Promise<void> {
    await this.branchHere(at);
    await this.#writer.write("end", token);
  }

  /** A stretch gives way to words of another branch, which keep their sources; one step. */
  take(from: number, to: number, words: string, runs: Runs): void {
    this.book.beginPiece(newId());
    this.#story?.insert(from, to, "", "");
    let at = from;
    for (const [length, piece] of runs) {
      this.#story?.insert(at, at, words.slice(at - from, at - from + length), piece);
      at += length;
    }
    this.book.endPiece();
  }

  /** One change of the writer's, as one step. */
  replace(from: number, to: number, text: string): void {
    this.#story?.insert(from, to, text, "");
  }
}
