import { expect, test } from "vitest";

import { createApi } from "./client";
import { ApiError, type GenerateEvent, type GenerateRequest } from "./types";

const REQUEST = { prompt: "Once", genkey: "k" } as GenerateRequest;

interface Call {
  address: string;
  body: unknown;
}

/** An API whose server gives these answers, by address. */
function server(answers: Record<string, () => Response | Promise<Response>>) {
  const calls: Call[] = [];
  const api = createApi(async (address, init) => {
    calls.push({ address, body: typeof init?.body === "string" ? JSON.parse(init.body) : undefined });
    const answer = answers[address];
    if (!answer) throw new TypeError(`nothing listens at ${address}`);
    return answer();
  });
  return { api, calls };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const STREAM = "api/extra/generate/stream";

async function collect(source: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = [];
  for await (const event of source) events.push(event);
  return events;
}

const generate = (body: string) =>
  collect(server({ [STREAM]: () => new Response(body) }).api.generate(REQUEST, new AbortController().signal));

test("a generation: progress, text, the end, and what it cost", async () => {
  const { api, calls } = server({
    [STREAM]: () =>
      new Response(
        'event: progress\ndata: {"total": 9, "cached": 3, "processed": 5}\n\n' +
          'event: message\ndata: {"token": " upon", "finish_reason": null}\n\n' +
          'event: message\ndata: {"token": " a", "finish_reason": "null"}\n\n' +
          'event: message\ndata: {"token": "", "finish_reason": "length"}\n\n' +
          'event: stats\ndata: {"prompt_tokens": 9, "cached_tokens": 3, "completion_tokens": 2, ' +
          '"prefill_seconds": 0.5, "decode_seconds": 0.25, "seed": 4294967295}\n\n',
        { headers: { "x-coblyn-stream": "s1", "x-coblyn-seed": "4294967295" } },
      ),
  });
  expect(await collect(api.generate(REQUEST, new AbortController().signal))).toEqual([
    { kind: "begun", stream: "s1", seed: 4294967295 },
    { kind: "progress", total: 9, cached: 3, processed: 5 },
    { kind: "text", text: " upon" },
    { kind: "text", text: " a" },
    { kind: "finish", reason: "length" },
    { kind: "stats", promptTokens: 9, cachedTokens: 3, completionTokens: 2, prefillSeconds: 0.5, decodeSeconds: 0.25, seed: 4294967295 },
  ]);
  expect(calls[0]?.body).toEqual({ prompt: "Once", genkey: "k", coblyn_events: true });
});

test("a stream that ends without saying so was cut", async () => {
  await expect(generate('data: {"token": "x", "finish_reason": null}\n\n')).rejects.toMatchObject({ type: "cut" });
});

test("an error in the stream carries the server's words", async () => {
  const detail = '{"token": "", "finish_reason": "error", "detail": {"msg": "It died.", "type": "engine_restarted"}}';
  await expect(generate(`data: ${detail}\n\n`)).rejects.toMatchObject({ type: "engine_restarted", message: "It died." });
  await expect(generate('event: error\ndata: {"detail": {"msg": "Gone.", "type": "engine_stopped"}}\n\n')).rejects.toMatchObject(
    { type: "engine_stopped" },
  );
});

test("an error before the stream carries status, type and message", async () => {
  const refuse = () => json({ detail: { msg: "The queue is full.", type: "service_unavailable" } }, 503);
  const { api } = server({ [STREAM]: refuse });
  const answer = collect(api.generate(REQUEST, new AbortController().signal));
  await expect(answer).rejects.toMatchObject({ status: 503, type: "service_unavailable", message: "The queue is full." });
});

test("an error that is no JSON keeps its status", async () => {
  const { api } = server({ [STREAM]: () => new Response("<h1>Bad gateway</h1>", { status: 502 }) });
  await expect(collect(api.generate(REQUEST, new AbortController().signal))).rejects.toMatchObject({ status: 502 });
});

test("no server: gone", async () => {
  await expect(server({}).api.parameters()).rejects.toEqual(new ApiError("gone", "Coblyn does not answer."));
});

test("health, with all it may say", async () => {
  const said = { status: "ok", model: "m", accelerator: "CPU: AVX2", context: 4096 };
  const { api, calls } = server({ "health?quiet=1": () => json(said) });
  expect(await api.health()).toEqual({ ...said, loaded: 1, failure: "" });
  expect(calls).toHaveLength(1);
});

test("what health leaves out is asked elsewhere", async () => {
  const { api } = server({
    "health?quiet=1": () => json({ status: "ok" }),
    "api/extra/true_max_context_length": () => json({ value: 2048 }),
    "api/v1/model": () => json({ result: "koboldcpp/m" }),
  });
  expect(await api.health()).toEqual({ status: "ok", model: "m", accelerator: "", context: 2048, loaded: 1, failure: "" });
});

test("a server that is loading answers 503, and says so", async () => {
  const { api } = server({ "health?quiet=1": () => json({ status: "loading", model: "m", context: 1 }, 503) });
  expect((await api.health()).status).toBe("loading");
});
