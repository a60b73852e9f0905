/** The page's state and everything one can do on it. Views read it and call it; nothing else changes it. */

import type { Api } from "../api/client";
import { say } from "../words/words.svelte";
import type { Piece, Story, StoryFacts } from "../editor/story";
import { Generation, newKey, type Outcome } from "./generation.svelte";
import { type Kept, Keeper, type Trouble } from "./keeper";
import { type Notice, type Topic, wordsFor } from "./notices";
import { Sentences } from "./sentences";
import { Server } from "./server.svelte";
import { Sampler } from "./sampler.svelte";
import { toRequest } from "./settings";
import { spacing } from "./spacing";
import { Tokens } from "./tokens.svelte";
import { asideNotice, troubleNotice } from "./troubles";

export class Session {
  memory = $state("");
  facts = $state.raw<StoryFacts>({ length: 0, canUndo: false, canRedo: false, canRetry: false });
  notices = $state.raw<Notice[]>([]);
  /** The last thing that happened, for those who do not see it. */
  said = $state("");
  /** The last sentences that were written, likewise. */
  heard = $state("");

  readonly sampler: Sampler;
  readonly server: Server;
  readonly generation: Generation;
  readonly tokens: Tokens;
  readonly #keeper: Keeper;
  /** The text and piece before the editor is there. */
  #loaded: { text: string; piece: Piece | null } = { text: "", piece: null };
  #story: Story | null = null;
  #run: Promise<void> = Promise.resolve();
  #isStarting = false;

  constructor(api: Api, storage: Storage | null) {
    this.sampler = new Sampler(api, storage);
    this.server = new Server(api);
    this.generation = new Generation(api);
    this.tokens = new Tokens(api, () => this.memory + this.text);
    this.#keeper = new Keeper(storage, {
      read: () => ({ text: this.text, memory: this.memory, piece: this.piece }),
      onTrouble: (trouble) => this.#onTrouble(trouble),
      onAdopt: (kept) => this.#adopt(kept),
    });
    this.#load();
  }

  get text(): string {
    return this.#story ? this.#story.text() : this.#loaded.text;
  }

  get piece(): Piece | null {
    return this.#story ? this.#story.piece() : this.#loaded.piece;
  }

  attach(story: Story): void {
    this.#story = story;
    this.tokens.changed();
  }

  /** The editor says that the document or its history has changed. */
  storyChanged(facts: StoryFacts, textChanged: boolean): void {
    this.facts = facts;
    if (!textChanged) return;
    this.#keeper.changed();
    this.tokens.changed();
  }

  setMemory(text: string): void {
    this.memory = text;
    this.#keeper.changed();
    this.tokens.changed();
  }

  generate(): Promise<void> {
    return this.#write("end");
  }

  /** Another take of the last piece, from the same place; the old one comes back with undo. */
  retry(): Promise<void> {
    return this.facts.canRetry ? this.#write("piece") : Promise.resolve();
  }

  stop(): void {
    this.generation.stop();
  }

  /** One step back; a generation that runs is stopped first, and is that step. */
  async undo(): Promise<void> {
    await this.#settle();
    this.#story?.undo();
  }

  async redo(): Promise<void> {
    await this.#settle();
    this.#story?.redo();
  }

  focus(): void {
    this.#story?.focus();
  }

  /** Saves what waits to be saved: the page may be gone in a moment. */
  leave(): void {
    this.#keeper.flush();
  }

  /** Another page of this browser has changed the storage. */
  storageChanged(key: string | null): void {
    this.#keeper.heard(key);
  }

  close(topic: Topic): void {
    this.notices = this.notices.filter((notice) => notice.topic !== topic);
  }

  async #settle(): Promise<void> {
    this.generation.stop();
    await this.#run;
  }

  #write(place: "end" | "piece"): Promise<void> {
    if (!this.#story || this.generation.isRunning || this.#isStarting) return Promise.resolve();
    this.#isStarting = true;
    this.#run = this.#generate(this.#story, place).finally(() => (this.#isStarting = false));
    return this.#run;
  }

  async #generate(story: Story, place: "end" | "piece"): Promise<void> {
    this.close("generation");
    this.said = say().saidGenerating;
    const { prompt, fit } = spacing(story.before(place));
    const context = this.server.health?.context ?? null;
    const sentences = new Sentences();
    const fitAndTell = (chunk: string): string => {
      const text = fit(chunk);
      this.heard = sentences.push(text) || this.heard;
      return text;
    };
    try {
      const about = { prompt, memory: this.memory, genkey: newKey(), context };
      const request = toRequest(this.sampler.settings, await this.sampler.ready(), about);
      this.#say(await this.generation.run(request, story.write(place), fitAndTell));
    } catch (error) {
      this.said = "";
      this.#notify({ topic: "generation", tone: "error", ...wordsFor(error), actions: [], canClose: true });
      void this.server.check();
    }
    this.heard = sentences.end() || this.heard;
    this.tokens.used = this.generation.used ?? this.tokens.used;
    this.#keeper.flush();
  }

  #say({ reason, wrote }: Outcome): void {
    const { count } = this.generation;
    this.said = reason === "stopped" ? say().saidStopped : say().saidFinished(count);
    if (wrote || reason === "stopped") return;
    const { nothingToAdd: title, nothingToAddHint: advice } = say();
    this.#notify({ topic: "generation", tone: "info", title, advice, actions: [], canClose: true });
  }

  #load(): void {
    const kept = this.#keeper.load();
    if (kept) {
      this.#loaded = kept;
      this.memory = kept.memory;
    }
    const aside = this.#keeper.aside();
    if (aside !== null) this.#notify(asideNotice(aside, () => this.#forget()));
  }

  #forget(): void {
    this.#keeper.forgetAside();
    this.close("kept");
  }

  #adopt(kept: Kept): void {
    this.memory = kept.memory;
    this.#story?.replace(kept.text);
  }

  #onTrouble(trouble: Trouble | null): void {
    if (trouble === null) {
      this.close("storage");
      this.close("tabs");
      return;
    }
    const theirs = (): void => {
      const kept = this.#keeper.takeTheirs();
      if (kept) this.#adopt(kept);
    };
    this.#notify(troubleNotice(trouble, () => this.text, { theirs, ours: () => this.#keeper.keepOurs() }));
  }

  #notify(notice: Notice): void {
    this.notices = [...this.notices.filter(({ topic }) => topic !== notice.topic), notice];
  }
}
