/** What the server says and is asked, in our own words. */

export type ServerStatus = "ok" | "loading" | "restarting" | "stopped";

export interface Health {
  status: ServerStatus;
  /** The model's name, or an empty string. */
  model: string;
  /** What runs the model, such as "CPU: AVX2"; may be empty. */
  accelerator: string;
  /** Tokens that fit into the model's context, or null where the server does not say. */
  context: number | null;
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

/** One request, in the field names of KoboldAI's API; the samplers' numbers come from the table. */
export interface GenerateRequest {
  prompt: string;
  memory: string;
  max_length: number;
  max_context_length?: number;
  sampler_seed: number;
  stop_sequence: string[];
  trim_stop: boolean;
  replace_instruct_placeholders: boolean;
  genkey: string;
  [sampler: string]: unknown;
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
}

export type FinishReason = "stop" | "length" | "error";

export type GenerateEvent =
  | ({ kind: "progress" } & Progress)
  | { kind: "text"; text: string }
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
