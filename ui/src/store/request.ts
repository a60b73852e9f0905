/** What is sent to generate, by the mode of the story; the lens shows the same. Pure. */

import type { Places } from "../api/stories";
import type { Context, GenerateRequest, Parameter } from "../api/types";
import { asTools, serversOf } from "../modes/servers";
import { modeOf } from "../modes/turns";
import { type Settings, toRequest } from "./settings";
import { spacing } from "./spacing";

/** What happens after an action is told, and is no further action of the writer's: small models like to begin one. */
const ANSWER = "root ::= [^> \\t\\n] .*";

/** What a piece is to be. */
export interface Wanted {
  place: "end" | "piece";
  /** What the piece begins with. */
  opening: string;
  /** The text may not end at once. */
  keepsOn: boolean;
}

export interface Asked {
  request: GenerateRequest;
  /** The text as it belongs into the story; made anew for each stream, called with each chunk in turn. */
  fit: () => (chunk: string) => string;
}

export function requestOf(sent: Context, places: Places, settings: Settings, table: readonly Parameter[], genkey: string, logprobs = 0): Asked {
  const isConversation = modeOf(places.mode) === "assistant" && sent.messages.length > 0;
  const { prompt } = isConversation ? sent : spacing(sent.prompt);
  const request = toRequest(settings, table, prompt, genkey);
  if (logprobs > 0) request.logprobs = logprobs;
  if (modeOf(places.mode) === "adventure" && /(^|\n)>[^\n]*\n$/.test(prompt)) request.grammar = ANSWER;
  request.stop_sequence = [...new Set([...request.stop_sequence, ...sent.stops])];
  if (!isConversation) return { request, fit: () => spacing(sent.prompt).fit };
  const own = places.settings.tools;
  const tools = [...(Array.isArray(own) ? (own as readonly unknown[]) : []), ...asTools(serversOf(places.settings.tool_servers))];
  return {
    request: { ...request, messages: sent.messages, ...(tools.length > 0 ? { tools } : {}) },
    fit: () => (chunk) => chunk,
  };
}
