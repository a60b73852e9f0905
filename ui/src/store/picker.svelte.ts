/** Choosing a model: those that can be had, and how far the one is that is on its way. */

import type { CatalogueEntry, Fit, ModelChoice, ModelFailure, ModelList, ModelsApi, ModelWork, WorkState } from "../api/models";
import { ApiError } from "../api/types";
import { Pace } from "./pace";

export type { CatalogueEntry, Fit, ModelChoice } from "../api/models";

/** Milliseconds between two looks while something is under way. */
const AGAIN = 400;

export class Picker {
  /** null until the server has told it. */
  list = $state.raw<ModelList | null>(null);
  work = $state.raw<ModelWork | null>(null);
  failure = $state.raw<ModelFailure | null>(null);
  /** Seconds until what is under way is done; null while that is not known. */
  secondsLeft = $state<number | null>(null);

  readonly #api: ModelsApi;
  readonly #onChange: () => void;
  readonly #pace = new Pace();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onChange Told when the engine has something else to do. */
  constructor(api: ModelsApi, onChange: () => void) {
    this.#api = api;
    this.#onChange = onChange;
  }

  get models(): readonly ModelChoice[] {
    return this.list?.models ?? [];
  }

  /** What the catalogue has and this machine has not. */
  get more(): readonly CatalogueEntry[] {
    return (this.list?.catalogue ?? []).filter(({ is_here }) => !is_here);
  }

  get starter(): CatalogueEntry | null {
    return this.list?.catalogue.find(({ is_starter }) => is_starter) ?? null;
  }

  /** The fraction of what is under way that is done; null while that is not known. */
  get fraction(): number | null {
    const { work } = this;
    return work?.total ? work.done / work.total : null;
  }

  async look(): Promise<void> {
    await this.#try("", async () => {
      this.list = await this.#api.list();
      this.#show(this.list);
    });
  }

  /** Loads a model that is here; it answers from then on. */
  async load(name: string): Promise<void> {
    await this.#try(name, async () => this.#show(await this.#api.begin("load", name)));
  }

  /** Fetches a model of the catalogue, and loads it. */
  async fetch({ alias, name }: CatalogueEntry): Promise<void> {
    await this.#try(name, async () => this.#show(await this.#api.begin("fetch", alias)));
  }

  /** What memory a model takes; null where the server cannot say, which is told. */
  async fit(name: string): Promise<Fit | null> {
    let found: Fit | null = null;
    await this.#try(name, async () => (found = await this.#api.fit(name)));
    return found;
  }

  async unload(name: string): Promise<void> {
    await this.#try(name, () => this.#api.unload(name));
    this.#onChange();
    await this.look();
  }

  async stop(): Promise<void> {
    await this.#try("", async () => this.#show(await this.#api.stop()));
  }

  #show({ work, failure }: WorkState): void {
    const before = this.work?.kind;
    this.work = work;
    this.failure = failure;
    this.secondsLeft = work ? this.#pace.note(`${work.kind} ${work.name}`, this.fraction ?? 0, performance.now()) : null;
    clearTimeout(this.#timer);
    if (work) this.#timer = setTimeout(() => void this.#again(), AGAIN);
    if (before === work?.kind) return;
    this.#onChange();
    if (!work) void this.look();
  }

  async #again(): Promise<void> {
    try {
      this.#show(await this.#api.work());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#timer = setTimeout(() => void this.#again(), 5 * AGAIN); // a server that is silent comes back, or the header says so
    }
  }

  /** What the server refuses is told where the models are. */
  async #try(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (name || error.type !== "gone") this.failure = { name, code: error.type, message: error.message };
    }
  }
}
