/** One function for each endpoint, and the only place that calls `fetch`. Addresses are relative to the page. */

import { events, type ServerEvent } from "../stream/events";
import { ApiError, type GenerateEvent, type GenerateRequest, type Health, type Parameter, type ServerStatus } from "./types";

export interface Api {
  health(): Promise<Health>;
  countTokens(text: string): Promise<number>;
  /** The server's table of generation parameters. */
  parameters(): Promise<readonly Parameter[]>;
  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent, void, undefined>;
  abort(genkey: string): Promise<void>;
}

type Fetch = (address: string, init?: RequestInit) => Promise<Response>;
type Json = Record<string, unknown>;

const STATUSES: readonly ServerStatus[] = ["ok", "loading", "restarting", "stopped"];

/** Seconds after which a short question counts as not answered. */
const PATIENCE = 10;

export function createApi(fetch: Fetch = (address, init) => globalThis.fetch(address, init)): Api {
  async function request(address: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(address, init);
    } catch (error) {
      if (init.signal?.aborted && init.signal.reason instanceof DOMException && init.signal.reason.name === "AbortError")
        throw error;
      throw new ApiError("gone", "Coblyn does not answer.");
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  async function ask(address: string, body?: Json): Promise<Json> {
    const signal = AbortSignal.timeout(PATIENCE * 1000);
    const response = await request(address, body ? { ...post(body), signal } : { signal });
    return asJson(await response.text().catch(() => ""));
  }

  return {
    async health() {
      const said = await ask("health").catch((error: unknown) => {
        // A server that is loading, or cannot load, answers with 503 and the same body.
        if (error instanceof HealthError) return error.body;
        throw error;
      });
      const context = number(said.context) ?? number((await ask("api/extra/true_max_context_length")).value) ?? 0;
      const model = text(said.model) || text((await ask("api/v1/model")).result).replace(/^koboldcpp\//, "");
      const status = STATUSES.find((known) => known === said.status) ?? "stopped";
      return { status, model, accelerator: text(said.accelerator), context: context > 0 ? context : null };
    },

    async countTokens(prompt) {
      return number((await ask("api/extra/tokencount", { prompt })).value) ?? 0;
    },

    async parameters() {
      const { parameters } = await ask("api/coblyn/parameters");
      if (!Array.isArray(parameters)) throw new ApiError("unknown", "");
      return parameters as Parameter[];
    },

    async *generate(body, signal) {
      const init = { ...post({ ...body, coblyn_events: true }), signal };
      const response = await request("api/extra/generate/stream", init);
      if (!response.body) throw new ApiError("cut", "The answer has no body.");
      yield* understand(events(response.body));
    },

    async abort(genkey) {
      await ask("api/extra/abort", { genkey });
    },
  };
}

async function* understand(stream: AsyncIterable<ServerEvent>): AsyncGenerator<GenerateEvent, void, undefined> {
  let isFinished = false;
  try {
    for await (const { event, data } of stream) {
      const said = asJson(data);
      if (event === "progress") {
        yield {
          kind: "progress",
          total: number(said.total) ?? 0,
          cached: number(said.cached) ?? 0,
          processed: number(said.processed) ?? 0,
        };
      } else if (event === "stats") {
        yield {
          kind: "stats",
          promptTokens: number(said.prompt_tokens) ?? 0,
          cachedTokens: number(said.cached_tokens) ?? 0,
          completionTokens: number(said.completion_tokens) ?? 0,
          prefillSeconds: number(said.prefill_seconds) ?? 0,
          decodeSeconds: number(said.decode_seconds) ?? 0,
        };
      } else if (event === "error") {
        throw detailOf(said, 0);
      } else if (event === "message") {
        if (text(said.token)) yield { kind: "text", text: text(said.token) };
        if (said.finish_reason === "error") throw detailOf(said, 0);
        if (said.finish_reason === "stop" || said.finish_reason === "length") {
          isFinished = true;
          yield { kind: "finish", reason: said.finish_reason };
        }
      }
    }
  } catch (error) {
    // The browser says "network error" in its own words when a connection breaks; ours is the one that helps.
    if (error instanceof TypeError) throw new ApiError("cut", "The connection broke.");
    throw error;
  }
  if (!isFinished) throw new ApiError("cut", "The stream ended early.");
}

function post(body: Json): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** The body of a refused health check, which says more than its status. */
class HealthError extends ApiError {
  constructor(
    readonly body: Json,
    status: number,
  ) {
    super("service_unavailable", "The model is not ready.", status);
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = asJson(await response.text().catch(() => ""));
  if (typeof body.status === "string") return new HealthError(body, response.status);
  return detailOf(body, response.status);
}

/** Reads Kobold's `{"detail": {"msg", "type"}}`, and what else a server may have in its place. */
function detailOf(body: Json, status: number): ApiError {
  const detail = isJson(body.detail) ? body.detail : isJson(body.error) ? body.error : body;
  const message = text(detail.msg) || text(detail.message) || text(body.detail) || text(body.error);
  return new ApiError(text(detail.type) || text(detail.code) || "unknown", message, status);
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asJson(source: string): Json {
  try {
    const value: unknown = JSON.parse(source);
    return isJson(value) ? value : {};
  } catch {
    return {};
  }
}

const number = (value: unknown): number | null => (typeof value === "number" && isFinite(value) ? value : null);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
