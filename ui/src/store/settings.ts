/** What a writer may choose for a generation. The samplers' numbers are the server's table; nothing of it is repeated here. */

import type { GenerateRequest, Parameter } from "../api/types";

export interface Settings {
  /** The most tokens of a piece. */
  maxLength: number;
  /** -1 draws another seed each time. */
  seed: number;
  /** One text a line; `\n` stands for a line end. */
  stop: string;
  /** What the model may not write, written like that. */
  banned: string;
  /** Of the samplers' numbers those that were chosen, by the names of the table. */
  values: Readonly<Record<string, number>>;
}

/** A number with its limits, as a field shows it. */
export interface NumberRule {
  name: string;
  min: number;
  max: number;
  step: number;
  /** What it is without a choice. */
  start: number;
  /** The part of the range that a slider offers; without it there is only the number. */
  slider?: readonly [number, number];
}

export const LENGTH: NumberRule = { name: "length", min: 1, max: 8192, step: 1, start: 160, slider: [16, 1024] };
export const SEED: NumberRule = { name: "seed", min: -1, max: 2147483647, step: 1, start: -1 };

export const DEFAULTS: Settings = { maxLength: LENGTH.start, seed: SEED.start, stop: "", banned: "", values: {} };

/** Where a story starts: samplers that suit prose from small models as well as large ones. */
const START: Readonly<Record<string, number>> = {
  temperature: 0.8,
  top_k: 40,
  top_p: 0.95,
  min_p: 0.05,
  repetition_penalty: 1.07,
  repetition_range: 512,
};

/** What a hand moves, of ranges without an end that would fit a slider: least, most, step. */
const SPANS: Readonly<Record<string, readonly [number, number, number]>> = {
  temperature: [0, 2, 0.05],
  top_k: [0, 200, 1],
  top_p: [0, 1, 0.01],
  min_p: [0, 0.5, 0.01],
  top_a: [0, 1, 0.01],
  typical_p: [0, 1, 0.01],
  tail_free: [0, 1, 0.01],
  top_n_sigma: [0, 5, 0.1],
  repetition_penalty: [1, 1.5, 0.01],
  repetition_slope: [0, 1, 0.05],
  presence_penalty: [-2, 2, 0.05],
  frequency_penalty: [-2, 2, 0.05],
  dynatemp_range: [0, 2, 0.05],
  dynatemp_exponent: [0, 2, 0.05],
  smoothing_factor: [0, 3, 0.05],
  smoothing_curve: [1, 3, 0.05],
  xtc_threshold: [0, 0.5, 0.01],
  xtc_probability: [0, 1, 0.05],
  dry_multiplier: [0, 2, 0.05],
  dry_base: [1, 3, 0.05],
  dry_allowed_length: [0, 10, 1],
  mirostat: [0, 2, 1],
  mirostat_tau: [0, 10, 0.1],
  mirostat_eta: [0, 1, 0.01],
  adaptive_target: [-1, 1, 0.05],
  adaptive_decay: [0, 1, 0.01],
};

/** The id of the field of a number. */
export function fieldOf({ name }: Pick<NumberRule, "name">): string {
  return `number-${name}`;
}

export function ruleOf(row: Parameter): NumberRule {
  const span = SPANS[row.name];
  const step = row.type === "int" ? 1 : (span?.[2] ?? 0.01);
  const rule = { name: row.name, min: row.min, max: row.max, step, start: START[row.name] ?? row.default };
  return span ? { ...rule, slider: [span[0], span[1]] } : rule;
}

export function valueOf(settings: Settings, rule: NumberRule): number {
  return settings.values[rule.name] ?? rule.start;
}

/** The settings with another number of a sampler; one that is back at its start counts as not chosen. */
export function withValue(settings: Settings, rule: NumberRule, value: number): Settings {
  const others = Object.entries(settings.values).filter(([name]) => name !== rule.name);
  const mine = value === rule.start ? [] : [[rule.name, value] as const];
  return { ...settings, values: Object.fromEntries([...others, ...mine]) };
}

/** Settings from something that was stored: what is missing or makes no sense takes its default. */
export function readSettings(stored: unknown): Settings {
  if (typeof stored !== "object" || stored === null) return DEFAULTS;
  const given = stored as Record<string, unknown>;
  const values = Object.entries(typeof given.values === "object" && given.values !== null ? given.values : {});
  return {
    maxLength: clamp(LENGTH, given.maxLength),
    seed: clamp(SEED, given.seed),
    stop: typeof given.stop === "string" ? given.stop : "",
    banned: typeof given.banned === "string" ? given.banned : "",
    values: Object.fromEntries(values.filter(([, value]) => Number.isFinite(value))) as Record<string, number>,
  };
}

/** The nearest allowed value, or the start for what is no number. */
export function clamp(rule: NumberRule, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return rule.start;
  const limited = Math.min(rule.max, Math.max(rule.min, value));
  return Number.isInteger(rule.step) ? Math.round(limited) : limited;
}

/** Texts, one a line; `\n` in one stands for a line end. */
export function textsOf(lines: string): string[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replaceAll("\\n", "\n"));
}

/** To KoboldAI's API a seed of 0 is another one each time; this one cannot be chosen on the page. */
const SEED_ZERO = 2 ** 32;

/** The samplers' part of a request: what was chosen, and where a story starts, each by its name in KoboldAI's API. */
function samplers(settings: Settings, table: readonly Parameter[]): Record<string, number> {
  const chosen: Record<string, number> = {};
  for (const row of table) {
    const value = settings.values[row.name] ?? START[row.name];
    const called = row.names[0];
    if (value !== undefined && called !== undefined) chosen[called] = clamp(ruleOf(row), value);
  }
  return chosen;
}

/** The request for a prompt that holds everything the model shall read. */
export function toRequest(
  settings: Settings,
  table: readonly Parameter[],
  prompt: string,
  genkey: string,
): GenerateRequest {
  const banned = textsOf(settings.banned);
  return {
    ...samplers(settings, table),
    ...(banned.length > 0 ? { banned_strings: banned } : {}),
    prompt,
    max_length: settings.maxLength,
    sampler_seed: settings.seed === 0 ? SEED_ZERO : settings.seed,
    stop_sequence: textsOf(settings.stop),
    trim_stop: true,
    // The story goes as it is, whatever braces it has.
    replace_instruct_placeholders: false,
    genkey,
  };
}
