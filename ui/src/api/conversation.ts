/** A chat completion, told in the words of a generation: reasoning and calls of tools become text with marks, as stories keep them. */

import type { ServerEvent } from "../stream/events";
import { asJson, detailOf, isJson, type Json, number, text } from "./http";
import { ApiError, type GenerateEvent, type GenerateRequest, type TokenChance } from "./types";

/** The body of a chat completion that means the same. */
export function chatBody({ messages, tools, max_length, sampler_seed, stop_sequence, genkey, logprobs, ...others }: GenerateRequest): Json {
  const samplers = Object.fromEntries(Object.entries(others).filter(([, value]) => typeof value === "number"));
  return {
    ...samplers,
    messages,
    ...(tools && tools.length > 0 ? { tools } : {}),
    ...(sampler_seed >= 0 ? { seed: sampler_seed } : {}),
    ...(others.ban_eos_token === true ? { ban_eos_token: true } : {}),
    ...(logprobs ? { logprobs: true, top_logprobs: logprobs } : {}),
    max_tokens: max_length,
    stop: stop_sequence,
    genkey,
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Events of a stream of chunks. */
export async function* told(stream: AsyncIterable<ServerEvent>): AsyncGenerator<GenerateEvent, void, undefined> {
  const reply = new Reply();
  const start = performance.now();
  let first = 0;
  try {
    for await (const { data } of stream) {
      const said = asJson(data);
      if (said.error) throw detailOf(said, 0);
      const choice: unknown = Array.isArray(said.choices) ? said.choices[0] : null;
      if (isJson(choice)) {
        for (const event of reply.take(choice)) {
          if (event.kind === "text") first ||= performance.now();
          yield event;
        }
      }
      if (isJson(said.usage)) yield statsOf(said.usage, { start, first: first || performance.now(), end: performance.now() });
    }
  } catch (error) {
    if (error instanceof TypeError) throw new ApiError("cut", "The connection broke.");
    throw error;
  }
  if (!reply.isFinished) throw new ApiError("cut", "The stream ended early.");
}

/** An answer that says no times: they are measured here. */
function statsOf(usage: Json, { start, first, end }: { start: number; first: number; end: number }): GenerateEvent {
  const details = isJson(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  return {
    kind: "stats",
    promptTokens: number(usage.prompt_tokens) ?? 0,
    cachedTokens: number(details.cached_tokens) ?? 0,
    completionTokens: number(usage.completion_tokens) ?? 0,
    prefillSeconds: (first - start) / 1000,
    decodeSeconds: (end - first) / 1000,
    seed: null,
  };
}

/** Puts the parts of a reply into one text. */
class Reply {
  isFinished = false;
  #isThinking = false;
  #calls = new Map<number, { id: string; name: string; arguments: string }>();

  *take(choice: Json): Generator<GenerateEvent, void, undefined> {
    const delta = isJson(choice.delta) ? choice.delta : {};
    const tokens = chancesOf(choice.logprobs);
    const thought = text(delta.reasoning_content) || text(delta.reasoning);
    if (thought) yield { kind: "text", text: this.#isThinking ? thought : `<think>\n${thought}` };
    if (thought) this.#isThinking = true;
    const content = text(delta.content);
    if (content) yield { kind: "text", text: this.#endOfThought() + content, ...(tokens ? { tokens } : {}) };
    this.#collect(delta.tool_calls);
    const reason = choice.finish_reason;
    if (typeof reason !== "string") return;
    const rest = this.#endOfThought() + this.#callText();
    if (rest) yield { kind: "text", text: rest };
    this.isFinished = true;
    yield { kind: "finish", reason: reason === "length" ? "length" : "stop" };
  }

  #endOfThought(): string {
    if (!this.#isThinking) return "";
    this.#isThinking = false;
    return "\n</think>\n\n";
  }

  #collect(calls: unknown): void {
    for (const call of Array.isArray(calls) ? calls.filter(isJson) : []) {
      const made = isJson(call.function) ? call.function : {};
      const held = this.#calls.get(number(call.index) ?? 0) ?? { id: "", name: "", arguments: "" };
      const id = text(call.id) || held.id;
      this.#calls.set(number(call.index) ?? 0, { id, name: held.name + text(made.name), arguments: held.arguments + text(made.arguments) });
    }
  }

  #callText(): string {
    return [...this.#calls.values()].map((call) => `\n<tool_call>\n${JSON.stringify({ ...call, arguments: orText(call.arguments) })}\n</tool_call>`).join("");
  }
}

/** What stands in JSON text, or that text. */
function orText(source: string): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch {
    return source;
  }
}

/** The tokens of a chunk with their alternatives, in the form that chat completions and Kobold's streams share. */
export function chancesOf(logprobs: unknown): TokenChance[] | null {
  if (!isJson(logprobs) || !Array.isArray(logprobs.content)) return null;
  return logprobs.content.filter(isJson).map((token) => ({
    text: text(token.token),
    logprob: number(token.logprob) ?? 0,
    top: (Array.isArray(token.top_logprobs) ? token.top_logprobs : []).filter(isJson).map((top) => ({ text: text(top.token), logprob: number(top.logprob) ?? 0 })),
  }));
}
