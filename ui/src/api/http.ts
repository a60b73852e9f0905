/** Questions and answers as JSON, and errors in one form. The only place that calls `fetch`; addresses are relative to the page. */

import { ApiError } from "./types";

export type Fetch = (address: string, init?: RequestInit) => Promise<Response>;
export type Json = Record<string, unknown>;

/** Seconds after which a short question counts as not answered. */
const PATIENCE = 10;

export class Http {
  readonly #fetch: Fetch;

  constructor(fetch: Fetch = (address, init) => globalThis.fetch(address, init)) {
    this.#fetch = fetch;
  }

  /**
   * An answer whose status is good.
   *
   * @throws ApiError The server is gone, or refuses.
   */
  async request(address: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(address, init);
    } catch (error) {
      if (init.signal?.aborted && init.signal.reason instanceof DOMException && init.signal.reason.name === "AbortError")
        throw error;
      throw new ApiError("gone", "Coblyn does not answer.");
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  /** A short question; with a body it is a POST. */
  async ask(address: string, body?: Json, seconds = PATIENCE): Promise<Json> {
    const signal = AbortSignal.timeout(seconds * 1000);
    const response = await this.request(address, body ? { ...post(body), signal } : { signal });
    return asJson(await response.text().catch(() => ""));
  }
}

export function post(body: Json): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** The body of a refusal that says more than its status. */
export class Refusal extends ApiError {
  constructor(
    readonly body: Json,
    type: string,
    message: string,
    status: number,
  ) {
    super(type, message, status);
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  return detailOf(asJson(await response.text().catch(() => "")), response.status);
}

/** Reads Kobold's `{"detail": {"msg", "code", "type"}}`, and what else a server may have in its place. */
export function detailOf(body: Json, status: number): ApiError {
  const detail = isJson(body.detail) ? body.detail : isJson(body.error) ? body.error : body;
  const message = text(detail.msg) || text(detail.message) || text(body.detail) || text(body.error);
  return new Refusal(body, text(detail.code) || text(detail.type) || text(body.type) || "unknown", message, status);
}

export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asJson(source: string): Json {
  try {
    const value: unknown = JSON.parse(source);
    return isJson(value) ? value : {};
  } catch {
    return {};
  }
}

export const number = (value: unknown): number | null => (typeof value === "number" && isFinite(value) ? value : null);
export const text = (value: unknown): string => (typeof value === "string" ? value : "");
