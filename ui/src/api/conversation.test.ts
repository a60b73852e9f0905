import { expect, test } from "vitest";

import { events } from "../stream/events";
import { chatBody, told } from "./conversation";
import type { GenerateEvent, GenerateRequest } from "./types";

const chunk = (delta: unknown, more: object = {}): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`;

async function read(...chunks: string[]): Promise<GenerateEvent[]> {
  const body = new Response(chunks.join("")).body;
  const found: GenerateEvent[] = [];
  if (body) for await (const event of told(events(body))) found.push(event);
  return found;
}

const textOf = (found: GenerateEvent[]): string => found.map((event) => (event.kind === "text" ? event.text : "")).join("");

test("a body has OpenAI's names for what Kobold's API calls otherwise", () => {
  const request = {
    prompt: "x", max_length: 9, sampler_seed: 7, stop_sequence: ["\nYou:"], trim_stop: true, replace_instruct_placeholders: false,
    genkey: "k", messages: [{ role: "user", content: "Hi" }], tools: [], temperature: 0.5, logprobs: 3,
  } as GenerateRequest;
  expect(chatBody(request)).toEqual({
    messages: request.messages, max_tokens: 9, seed: 7, stop: ["\nYou:"], genkey: "k", temperature: 0.5, logprobs: true, top_logprobs: 3,
    stream: true, stream_options: { include_usage: true },
  });
  expect(chatBody({ ...request, sampler_seed: -1 })).not.toHaveProperty("seed");
});

test("reasoning stands before the answer, between its marks", async () => {
  const found = await read(
    chunk({ role: "assistant", content: "" }), chunk({ reasoning_content: "I " }), chunk({ reasoning_content: "see." }),
    chunk({ content: "Yes" }), chunk({ content: "." }), chunk({}, { finish_reason: "stop" }),
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } } })}\n\n`,
    "data: [DONE]\n\n",
  );
  expect(textOf(found)).toBe("<think>\nI see.\n</think>\n\nYes.");
  expect(found.at(-2)).toEqual({ kind: "finish", reason: "stop" });
  expect(found.at(-1)).toMatchObject({ kind: "stats", promptTokens: 5, cachedTokens: 2, completionTokens: 4 });
});

test("reasoning that is cut short is closed all the same", async () => {
  const found = await read(chunk({ reasoning_content: "Hm" }), chunk({}, { finish_reason: "length" }));
  expect(textOf(found)).toBe("<think>\nHm\n</think>\n\n");
  expect(found.at(-1)).toEqual({ kind: "finish", reason: "length" });
});

test("calls are put together from their parts, in their order", async () => {
  const found = await read(
    chunk({ content: "A moment." }),
    chunk({ tool_calls: [{ index: 0, id: "c1", function: { name: "depth", arguments: "{\"lev" } }] }),
    chunk({ tool_calls: [{ index: 1, id: "c2", function: { name: "time", arguments: "oops" } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: "el\": 3}" } }] }),
    chunk({}, { finish_reason: "tool_calls" }),
  );
  expect(textOf(found)).toBe(
    'A moment.\n<tool_call>\n{"id":"c1","name":"depth","arguments":{"level":3}}\n</tool_call>' +
      '\n<tool_call>\n{"id":"c2","name":"time","arguments":"oops"}\n</tool_call>',
  );
});

test("tokens come with what could have been", async () => {
  const logprobs = { content: [{ token: "Yes", logprob: -0.5, top_logprobs: [{ token: "No", logprob: -1 }] }] };
  const [first] = await read(chunk({ content: "Yes" }, { logprobs }), chunk({}, { finish_reason: "stop" }));
  expect(first).toEqual({ kind: "text", text: "Yes", tokens: [{ text: "Yes", logprob: -0.5, top: [{ text: "No", logprob: -1 }] }] });
});

test("an error in the stream, and a stream without an end, are told", async () => {
  await expect(read(`data: ${JSON.stringify({ error: { message: "It failed.", code: "server_error" } })}\n\n`)).rejects.toThrow("It failed.");
  await expect(read(chunk({ content: "Half" }))).rejects.toMatchObject({ type: "cut" });
});
