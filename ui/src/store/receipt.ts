/** What a piece was made with: kept beside it, so that it can be told, and the piece be made again. Pure. */

import type { Json } from "../api/http";
import type { Context, GenerateRequest, Stats } from "../api/types";
import { modeOf } from "../modes/turns";
import { readSettings, SEED, type Settings } from "./settings";

export interface Receipt {
  model: string;
  /** What was chosen, with the seed that was drawn in place of a choice; -1 where nobody knows it. */
  settings: Settings;
  /** Of the request as it was sent; empty in receipts of earlier versions. */
  digest: string;
  /** What the piece begins with, which was not generated. */
  opening: string;
  /** The text could not end at once. */
  keepsOn: boolean;
  /** The entries of lore that were read. */
  lore: readonly string[];
  /** Timers of the lore before it; null where there were none. */
  timers: Json | null;
  /** null where the server did not come to say it. */
  stats: Stats | null;
  /** Seconds since 1970. */
  time: number;
}

/** What is known of a generation when it begins. */
export type Begun = Omit<Receipt, "digest" | "stats" | "time" | "lore">;

/**
 * Settings that say with which seed. Drafts make code and answers that repeat the question faster, and a request with a
 * seed has none: where they pay, the server draws the seed.
 */
export function seeded(settings: Settings, mode: string): Settings {
  const drafts = modeOf(mode) === "assistant" || modeOf(mode) === "instruct";
  return settings.seed >= 0 || drafts ? settings : { ...settings, seed: newSeed() };
}

export function newSeed(): number {
  return 1 + ((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % SEED.max);
}

export function receiptOf(begun: Begun, sent: Context, request: GenerateRequest, stats: Stats | null): Receipt {
  const seed = stats?.seed ?? request.sampler_seed;
  const lore = sent.lore.fired.map(({ id, name }) => name ?? id);
  return { ...begun, settings: { ...begun.settings, seed }, digest: digestOf(request), lore, stats, time: Date.now() / 1000 };
}

/** A receipt as a story keeps it; null for what is none. */
export function readReceipt(kept: Json | undefined): Receipt | null {
  if (typeof kept?.settings !== "object" || kept.settings === null) return null;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const object = <T>(value: unknown): T | null => (typeof value === "object" && value !== null ? (value as T) : null);
  const seed = Number((kept.settings as Json).seed ?? -1);
  return {
    model: text(kept.model),
    settings: { ...readSettings(kept.settings), seed },
    digest: text(kept.digest),
    opening: text(kept.opening),
    keepsOn: kept.keepsOn === true,
    lore: Array.isArray(kept.lore) ? kept.lore.map(text) : [],
    timers: object<Json>(kept.timers),
    stats: object<Stats>(kept.stats),
    time: Number(kept.time ?? 0),
  };
}

/** Two requests of one digest are the same but for the seed, their names, and what is only shown. */
export function digestOf(request: GenerateRequest): string {
  const asked = Object.entries(request).filter(([name]) => !["genkey", "sampler_seed", "logprobs"].includes(name));
  return hashOf(JSON.stringify(asked.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** 64 bits of FNV-1a over UTF-16 units, as hexadecimal digits. The browser's own digests are not there without encryption. */
function hashOf(text: string): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (let at = 0; at < text.length; at++) {
    low = (low ^ text.charCodeAt(at)) >>> 0;
    // Times 2^40 + 0x1b3, of which only the lowest 64 bits stay.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

