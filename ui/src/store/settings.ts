/** What a writer may choose for a generation: names, limits, defaults, and how they become a request. */

import type { GenerateRequest } from "../api/types";

export interface Settings {
  maxLength: number;
  temperature: number;
  topP: number;
  minP: number;
  topK: number;
  repetitionPenalty: number;
  repetitionRange: number;
  /** -1 draws another seed each time. */
  seed: number;
  /** One text a line; `\n` stands for a line end. */
  stop: string;
}

export type NumberKey = Exclude<keyof Settings, "stop">;

export const DEFAULTS: Settings = {
  maxLength: 160,
  temperature: 0.8,
  topP: 0.95,
  minP: 0.05,
  topK: 40,
  repetitionPenalty: 1.07,
  repetitionRange: 512,
  seed: -1,
  stop: "",
};

export interface NumberRule {
  key: NumberKey;
  label: string;
  hint: string;
  min: number;
  max: number;
  step: number;
  /** The part of the range that a slider offers; without it there is only the number. */
  slider?: readonly [number, number];
}

/** The numbers in the order of the panel. `hint` says what moving it does. */
export const NUMBERS: readonly NumberRule[] = [
  {
    key: "maxLength",
    label: "Length",
    hint: "The most tokens a piece may have.",
    min: 1,
    max: 8192,
    step: 1,
    slider: [16, 1024],
  },
  {
    key: "temperature",
    label: "Temperature",
    hint: "Higher is more surprising; 0 always takes the likeliest.",
    min: 0,
    max: 5,
    step: 0.05,
    slider: [0, 2],
  },
  {
    key: "topP",
    label: "Top-p",
    hint: "Keep the likeliest tokens up to this share; 1 keeps all.",
    min: 0.01,
    max: 1,
    step: 0.01,
    slider: [0.01, 1],
  },
  {
    key: "minP",
    label: "Min-p",
    hint: "Drop tokens less likely than this share of the best; 0 is off.",
    min: 0,
    max: 1,
    step: 0.01,
    slider: [0, 0.5],
  },
  {
    key: "topK",
    label: "Top-k",
    hint: "Keep this many of the likeliest tokens; 0 keeps all.",
    min: 0,
    max: 1000,
    step: 1,
    slider: [0, 200],
  },
  {
    key: "repetitionPenalty",
    label: "Repetition penalty",
    hint: "Above 1, words that occurred become less likely.",
    min: 0.5,
    max: 3,
    step: 0.01,
    slider: [1, 1.5],
  },
  {
    key: "repetitionRange",
    label: "Repetition range",
    hint: "How many tokens back the penalty looks; 0 sees all.",
    min: 0,
    max: 131072,
    step: 1,
  },
  {
    key: "seed",
    label: "Seed",
    hint: "The same seed gives the same text; −1 draws a new one.",
    min: -1,
    max: 2147483647,
    step: 1,
  },
];

/** Settings from something that was stored: what is missing or makes no sense takes its default. */
export function readSettings(stored: unknown): Settings {
  const settings = { ...DEFAULTS };
  if (typeof stored !== "object" || stored === null) return settings;
  const given = stored as Record<string, unknown>;
  for (const rule of NUMBERS) settings[rule.key] = clamp(rule, given[rule.key]);
  if (typeof given.stop === "string") settings.stop = given.stop;
  return settings;
}

const KEY = "coblyn.settings";

export function loadSettings(storage: Storage | null): Settings {
  try {
    return readSettings(JSON.parse(storage?.getItem(KEY) ?? "null"));
  } catch {
    return readSettings(null); // not JSON
  }
}

/** False when the browser has no room for them. */
export function saveSettings(storage: Storage | null, settings: Settings): boolean {
  try {
    storage?.setItem(KEY, JSON.stringify(settings));
    return true;
  } catch {
    return false;
  }
}

/** The nearest allowed value, or the default for what is no number. */
export function clamp(rule: NumberRule, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return DEFAULTS[rule.key];
  const limited = Math.min(rule.max, Math.max(rule.min, value));
  return Number.isInteger(rule.step) ? Math.round(limited) : limited;
}

export function stopSequences(lines: string): string[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replaceAll("\\n", "\n"));
}

/** To KoboldAI's API a range of 0 is a range of 1, and a seed of 0 is another one each time. Here they mean what the hints say. */
const ALL_TOKENS = 2 ** 31 - 1;
/** A seed that cannot be chosen on the page. */
const SEED_ZERO = 2 ** 32;

/** The request for a story; `context` is the size of the server's context, where it is known. */
export function toRequest(
  settings: Settings,
  story: { prompt: string; memory: string; genkey: string; context: number | null },
): GenerateRequest {
  return {
    prompt: story.prompt,
    // Memory stands on its own lines above the story.
    memory: story.memory === "" || story.memory.endsWith("\n") ? story.memory : `${story.memory}\n`,
    max_length: settings.maxLength,
    ...(story.context === null ? {} : { max_context_length: story.context }),
    temperature: settings.temperature,
    top_p: settings.topP,
    min_p: settings.minP,
    top_k: settings.topK,
    rep_pen: settings.repetitionPenalty,
    rep_pen_range: settings.repetitionRange === 0 ? ALL_TOKENS : settings.repetitionRange,
    sampler_seed: settings.seed === 0 ? SEED_ZERO : settings.seed,
    stop_sequence: stopSequences(settings.stop),
    trim_stop: true,
    // The story goes as it is, whatever braces it has.
    replace_instruct_placeholders: false,
    genkey: story.genkey,
  };
}
