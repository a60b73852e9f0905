/** What the server says and is asked, in our own words. */

export type ServerStatus = "ok" | "sleeping" | "loading" | "restarting" | "not responding" | "stopped" | "unloaded";

export interface Health {
  status: ServerStatus;
  /** Name of the model that answers, or while it is loading of the one that will; or an empty string. */
  model: string;
  /** What runs the model, such as "CPU: AVX2"; may be empty. */
  accelerator: string;
  /** Tokens that fit into the model's context, or null where the server does not say. */
  context: number | null;
  /** Fraction of the model that is loaded, 0 to 1. */
  loaded: number;
  /** Why the engine is stopped, in the server's words; empty for nothing, or where only administrators are told. */
  failure: string;
}

/** A row of the server's table of generation parameters. */
export interface Parameter {
  name: string;
  /** What requests call it, KoboldCPP's own name first. */
  names: readonly string[];
  type: "float" | "int";
  default: number;
  min: number;
  max: number;
  /** The values that change nothing, null where they have no end; null where another parameter decides that. */
  off: readonly [number | null, number | null] | null;
  meaning: string;
  source: string;
}

/** Samplers' numbers under a name, by their names in KoboldAI's API. */
export interface Preset {
  name: string;
  values: Readonly<Record<string, unknown>>;
}

/** One request, in the field names of KoboldAI's API; the samplers' numbers come from the table. */
export interface GenerateRequest {
  prompt: string;
  max_length: number;
  sampler_seed: number;
  grammar?: string;
  stop_sequence: string[];
  /** Ignoring case; where one appears, its tokens are taken back and others drawn. */
  banned_strings?: string[];
  trim_stop: boolean;
  replace_instruct_placeholders: boolean;
  genkey: string;
  /** In place of the prompt: a conversation, for the model's own template. */
  messages?: readonly unknown[];
  /** What an assistant may call, as OpenAI has it. */
  tools?: readonly unknown[];
  /** How many alternatives each token comes with. */
  logprobs?: number;
  [sampler: string]: unknown;
}

/** What the doctor says of a log. */
export interface Diagnosis {
  failed: boolean;
  findings: readonly {
    cause: string;
    title: string;
    confidence: string;
    story: readonly string[];
    evidence: readonly { line: number; text: string }[];
    fix: { command: string; text: string };
  }[];
}

/** What a generation would find. */
export interface Plan {
  tokens: number;
  /** Of them, those that are in memory. */
  cached: number;
  context: number;
  /** Until the first token; null while the speed is not known. */
  seconds: number | null;
  waiting: number;
}

/** What is left of the next token's candidates after a sampler; "model" is before any of them. */
export interface Stage {
  name: string;
  values: Readonly<Record<string, number>>;
  num_candidates: number;
  candidates: readonly { token: number; text: string; probability: number }[];
}

export type SegmentKind = "template" | "memory" | "lore" | "character" | "persona" | "examples" | "note" | "story";

/** A part of what is sent. */
export interface Segment {
  kind: SegmentKind;
  id: string;
  text: string;
  tokens: number;
  start?: number;
  end?: number;
}

/** Whether an entry of lore fired, and why, as the server says it. */
export interface Verdict {
  id: string;
  name?: string;
  tokens?: number;
  by?: string;
  key?: string;
  back?: number | null;
  caller?: string;
  left?: number;
  because?: string;
  nearest?: string;
  forbidden_by?: string;
  missing?: readonly string[];
  after?: number;
  every?: number;
  roll?: number;
  probability?: number;
  lost_to?: string;
  used?: number;
  max?: number;
}

/** What the model would read. */
export interface Context {
  prompt: string;
  tokens: number;
  max_prompt: number;
  /** Text of the branch before this place does not fit. */
  dropped: number;
  segments: readonly Segment[];
  /** Texts with which somebody else's turn begins. */
  stops: readonly string[];
  /** In a chat and in instructions: the same for the model's own template. */
  messages: readonly unknown[];
  lore: { fired: readonly Verdict[]; silent: readonly Verdict[]; timers?: unknown };
}

/** Progress of reading the prompt, in tokens: `cached` were in memory, `processed` of `total` are done. */
export interface Progress {
  total: number;
  cached: number;
  processed: number;
}

export interface Stats {
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  prefillSeconds: number;
  decodeSeconds: number;
  /** What it was drawn with; null where the server does not say. */
  seed: number | null;
}

export interface Chance {
  text: string;
  /** Natural logarithm of the probability. */
  logprob: number;
}

/** A token that was drawn, and what could have been. */
export interface TokenChance extends Chance {
  top: readonly Chance[];
}

export type FinishReason = "stop" | "length" | "error";

export type GenerateEvent =
  /** The server has begun: under which name the stream is found again, empty for none, and the seed, if it says one. */
  | { kind: "begun"; stream: string; seed: number | null }
  | ({ kind: "progress" } & Progress)
  | { kind: "text"; text: string; tokens?: readonly TokenChance[] }
  | { kind: "finish"; reason: FinishReason }
  | ({ kind: "stats" } & Stats);

/** "gone": no answer at all; "cut": the stream ended before it said so; otherwise the server's own word for it. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly type: string,
    message: string,
    readonly status = 0,
  ) {
    super(message);
  }
}
