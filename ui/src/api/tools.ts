/** Tool servers of the server, and calls of their tools: the same that programs call by the Model Context Protocol. */

import { type Http, isJson, type Json, post, text } from "./http";
import { ApiError } from "./types";

export interface ToolServer {
  name: string;
  tools: readonly { name: string; description: string; is_allowed: boolean }[];
  /** Why it cannot be reached; empty if it can. */
  problem: string;
}

export class ToolsApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Servers start when they are first asked, which takes a while. */
  async servers(): Promise<readonly ToolServer[]> {
    const { servers } = await this.#http.ask("api/coblyn/tools", undefined, 60);
    return Array.isArray(servers) ? (servers as ToolServer[]) : [];
  }

  /**
   * The result of a call; what goes wrong in the tool is one too.
   *
   * @param name The tool's name with its server's, as the model calls it.
   * @param given The arguments as JSON text.
   * @throws ApiError The server is gone, or refuses.
   */
  async call(name: string, given: string, signal: AbortSignal): Promise<string> {
    const params = { name, arguments: argumentsOf(given) };
    if (!isJson(params.arguments)) return "Error: The arguments must be a JSON object.";
    const request = post({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    const headers = { ...request.headers, Accept: "application/json, text/event-stream" };
    const response = await this.#http.request("mcp", { ...request, headers, signal });
    return resultOf((await response.json()) as Json);
  }
}

function argumentsOf(given: string): unknown {
  try {
    return JSON.parse(given || "{}") as unknown;
  } catch {
    return undefined;
  }
}

function resultOf({ result, error }: Json): string {
  if (isJson(error)) throw new ApiError("unknown", text(error.message));
  const parts = isJson(result) && Array.isArray(result.content) ? result.content.filter(isJson) : [];
  const said = parts.map((part) => text(part.text)).join("\n");
  return isJson(result) && result.isError === true ? `Error: ${said}` : said;
}
