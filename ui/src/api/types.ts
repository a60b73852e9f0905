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

/** One request, in the field names of KoboldAI's API. */
export interface GenerateRequest {
  prompt: string;
  memory: string;
  max_length: number;
  max_context_length?: number;
  temperature: number;
  top_p: number;
  min_p: number;
  top_k: number;
  rep_pen: number;
  rep_pen_range: number;
  sampler_seed: number;
  stop_sequence: string[];
  trim_stop: boolean;
  replace_instruct_placeholders: boolean;
  genkey: string;
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
