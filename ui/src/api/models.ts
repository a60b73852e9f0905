/** The models that can be chosen, and the one that is on its way. */

import { type Http, isJson, type Json, number, text } from "./http";

export interface ModelChoice {
  name: string;
  /** Bytes of the file. */
  size: number;
  quantization: string;
  /** What its engine does, as `/health` says it; "here" where it has none. */
  state: string;
  /** Requests that name no model mean it. */
  answers: boolean;
  /** Why it cannot be loaded, in the server's words; or empty. */
  trouble: string;
}

export interface CatalogueEntry {
  alias: string;
  name: string;
  /** Bytes to fetch. */
  size: number;
  license: string;
  notice: string;
  description: string;
  is_here: boolean;
  is_starter: boolean;
}

/** What is being done for a model. */
export interface ModelWork {
  name: string;
  kind: "fetch" | "build" | "load";
  done: number;
  /** null while it is not known. */
  total: number | null;
}

export interface ModelFailure {
  name: string;
  code: string;
  message: string;
}

/** What memory a model takes: bytes, null where that is not known, and what that means, in the server's words. */
export interface Fit {
  total: number | null;
  outcome: string;
}

export interface WorkState {
  work: ModelWork | null;
  failure: ModelFailure | null;
}

export interface ModelList extends WorkState {
  models: readonly ModelChoice[];
  catalogue: readonly CatalogueEntry[];
  can_load: boolean;
  /** Bytes of main memory. */
  memory: { total: number; available: number };
}

const MODELS = "api/coblyn/models";

export class ModelsApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async list(): Promise<ModelList> {
    return (await this.#http.ask(MODELS, undefined, 30)) as unknown as ModelList;
  }

  async work(): Promise<WorkState> {
    return workOf(await this.#http.ask(`${MODELS}/work`));
  }

  /** Begins to load a model that is here, or to fetch one of the catalogue and load it. */
  async begin(verb: "load" | "fetch", name: string): Promise<WorkState> {
    return workOf(await this.#http.ask(`${MODELS}/${verb}`, { name }));
  }

  /** Answers when its requests have ended. */
  async unload(name: string): Promise<void> {
    await this.#http.ask(`${MODELS}/unload`, { name }, 120);
  }

  /** Ends what is fetched, and puts away what has failed. */
  async stop(): Promise<WorkState> {
    return workOf(await this.#http.ask(`${MODELS}/stop`, {}));
  }

  /** What memory a model takes with the settings of this server; measured without loading it. */
  async fit(name: string): Promise<Fit> {
    const said = await this.#http.ask(`${MODELS}/${encodeURIComponent(name)}/fit`, undefined, 60);
    const needs = isJson(said.chosen) ? said.chosen : isJson(said.wished) ? said.wished : {};
    return { total: number(needs.total), outcome: text(said.outcome) || text(said.problem) };
  }
}

function workOf(said: Json): WorkState {
  const { work, failure } = said;
  return {
    work: isJson(work) ? { name: text(work.name), kind: kindOf(work.kind), done: number(work.done) ?? 0, total: number(work.total) } : null,
    failure: isJson(failure) ? { name: text(failure.name), code: text(failure.code), message: text(failure.message) } : null,
  };
}

function kindOf(kind: unknown): ModelWork["kind"] {
  return kind === "fetch" || kind === "build" ? kind : "load";
}
