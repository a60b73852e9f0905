/** The samplers' numbers: the server's table, and what the writer chose of it. */

import type { Api } from "../api/client";
import type { Parameter, Preset } from "../api/types";
import { clamp, DEFAULTS, type NumberRule, readSettings, type Settings, withValue } from "./settings";
import { recall, remember } from "./stored";

export type { Parameter } from "../api/types";

const KEY = "coblyn.sampler";

export class Sampler {
  settings = $state.raw<Settings>(DEFAULTS);
  /** null until the server has given it. */
  table = $state.raw<readonly Parameter[] | null>(null);
  presets = $state.raw<readonly Preset[]>([]);
  hasFailed = $state(false);

  readonly #api: Api;
  readonly #storage: Storage | null;
  #asking: Promise<readonly Parameter[]> | null = null;

  constructor(api: Api, storage: Storage | null) {
    this.#api = api;
    this.#storage = storage;
    this.settings = readSettings(recall(storage, KEY));
  }

  /**
   * The table; asked for once.
   *
   * @throws ApiError The server does not give it.
   */
  async ready(): Promise<readonly Parameter[]> {
    if (this.table) return this.table;
    this.#asking ??= this.#api.parameters().finally(() => (this.#asking = null));
    try {
      this.table = await this.#asking;
      this.hasFailed = false;
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
    return this.table;
  }

  /** Asks for the table; a failure shows in `hasFailed`. */
  look(): void {
    this.ready().catch(() => undefined);
    this.#api.presets().then((presets) => (this.presets = presets)).catch(() => undefined);
  }

  choose(change: Partial<Settings>): void {
    this.settings = { ...this.settings, ...change };
    remember(this.#storage, KEY, this.settings);
  }

  set(rule: NumberRule, value: number): void {
    this.choose(withValue(this.settings, rule, clamp(rule, value)));
  }

  /** All samplers' numbers at once, as a preset has them; what it does not name is at its start again. */
  adopt({ values }: Preset): void {
    const rows = (this.table ?? []).map((row) => [row.name, row.names.map((name) => values[name])] as const);
    const found = rows.map(([name, given]) => [name, given.find((value) => typeof value === "number")] as const);
    this.choose({ values: Object.fromEntries(found.filter(([, value]) => value !== undefined)) as Record<string, number> });
  }
}
