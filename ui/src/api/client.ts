/** One function for each endpoint of generating. */

import { events, type ServerEvent } from "../stream/events";
import { chancesOf, chatBody, told } from "./conversation";
import { asJson, detailOf, type Fetch, Http, type Json, number, post, Refusal, text } from "./http";
import { ModelsApi } from "./models";
import { slot } from "./slots";
import { StoriesApi } from "./stories";
import { ToolsApi } from "./tools";
import { ApiError, type Context, type Diagnosis, type GenerateEvent, type GenerateRequest, type Health, type Parameter, type Plan, type Preset, type ServerStatus, type Stage, type TokenChance } from "./types";

export interface Api {
  health(): Promise<Health>;
  /** The server's table of generation parameters. */
  parameters(): Promise<readonly Parameter[]>;
  presets(): Promise<readonly Preset[]>;
  /** Why a build broke, from its log. */
  explain(log: Blob): Promise<Diagnosis>;
  stories: StoriesApi;
  models: ModelsApi;
  tools: ToolsApi;
  /** What the model would read of a story. */
  context(story: string, about: Json): Promise<Context>;
  /** What a generation would cost; starts nothing. */
  plan(request: { prompt: string; max_length: number; replace_instruct_placeholders: boolean }): Promise<Plan>;
  /** How many tokens each text has. */
  tokens(texts: readonly string[]): Promise<readonly number[]>;
  /** What the next token could be after each sampler, so many candidates of each. */
  sample(request: GenerateRequest, top: number): Promise<readonly Stage[]>;
  /** @param isResumable Whether it goes on for a while where nobody listens, and can be listened to again by its name. */
  generate(request: GenerateRequest, signal: AbortSignal, isResumable?: boolean): AsyncGenerator<GenerateEvent, void, undefined>;
  /** A resumable stream from its beginning. */
  resume(stream: string, isConversation: boolean, signal: AbortSignal): AsyncGenerator<GenerateEvent, void, undefined>;
  /** Ends a resumable stream. */
  drop(stream: string): Promise<void>;
  abort(genkey: string): Promise<void>;
}

const STATUSES: readonly ServerStatus[] = ["ok", "sleeping", "loading", "restarting", "not responding", "stopped", "unloaded"];

export function createApi(fetch?: Fetch): Api {
  const http = new Http(fetch);
  const ask = http.ask.bind(http);

  return {
    async health() {
      const said = await ask("health?quiet=1").catch((error: unknown) => {
        // A server that is loading, or cannot load, answers with 503 and the same body.
        if (error instanceof Refusal && typeof error.body.status === "string") return error.body;
        throw error;
      });
      const context = number(said.context) ?? number((await ask("api/extra/true_max_context_length")).value) ?? 0;
      const model = typeof said.model === "string" ? said.model : text((await ask("api/v1/model")).result).replace(/^koboldcpp\//, "");
      const status = STATUSES.find((known) => known === said.status) ?? "stopped";
      return { status, model, accelerator: text(said.accelerator), context: context > 0 ? context : null, loaded: number(said.loaded) ?? 1, failure: text(said.failure) };
    },

    stories: new StoriesApi(http),
    models: new ModelsApi(http),
    tools: new ToolsApi(http),

    async context(story, about) {
      return (await ask(`api/coblyn/stories/${story}/context`, about, 60)) as unknown as Context;
    },

    async plan(request) {
      return (await ask("api/coblyn/plan", request, 60)) as unknown as Plan;
    },

    async tokens(texts) {
      const { tokens } = await ask("api/coblyn/tokens", { texts: [...texts] }, 60);
      return Array.isArray(tokens) ? (tokens as number[]) : [];
    },

    async sample(request, top) {
      const { stages } = await ask(`api/coblyn/sample?top=${String(top)}`, { ...request }, 60);
      return Array.isArray(stages) ? (stages as Stage[]) : [];
    },

    async parameters() {
      const { parameters } = await ask("api/coblyn/parameters");
      if (!Array.isArray(parameters)) throw new ApiError("unknown", "");
      return parameters as Parameter[];
    },

    async explain(log) {
      const init = { method: "POST", headers: { "Content-Type": "text/plain" }, body: log };
      return (await (await http.request("api/coblyn/doctor", init)).json()) as Diagnosis;
    },

    async presets() {
      const { presets } = await ask("api/coblyn/presets");
      return Array.isArray(presets) ? (presets as Preset[]) : [];
    },

    async *generate(body, signal, isResumable = false) {
      const [path, sent] = body.messages ? ["v1/chat/completions", chatBody(body)] : ["api/extra/generate/stream", { ...body, coblyn_events: true }];
      const init = post(sent);
      const headers = { ...init.headers, ...(isResumable ? { "x-coblyn-resumable": "yes" } : {}) };
      yield* inSlot(signal, async function* () {
        const response = await http.request(path, { ...init, headers, signal });
        const seed = Number.parseInt(response.headers.get("x-coblyn-seed") ?? "", 10);
        yield { kind: "begun", stream: response.headers.get("x-coblyn-stream") ?? "", seed: Number.isNaN(seed) ? null : seed };
        yield* read(response, body.messages !== undefined);
      });
    },

    async *resume(stream, isConversation, signal) {
      yield* inSlot(signal, async function* () {
        yield* read(await http.request(`api/coblyn/streams/${stream}`, { signal }), isConversation);
      });
    },

    async drop(stream) {
      await http.request(`api/coblyn/streams/${stream}`, { method: "DELETE" });
    },

    async abort(genkey) {
      await ask("api/extra/abort", { genkey });
    },
  };
}

type Told = AsyncGenerator<GenerateEvent, void, undefined>;

async function* inSlot(signal: AbortSignal, tell: () => Told): Told {
  const free = await slot(signal);
  try {
    yield* tell();
  } finally {
    free();
  }
}

async function* read({ body }: Response, isConversation: boolean): Told {
  if (!body) throw new ApiError("cut", "The answer has no body.");
  yield* isConversation ? told(events(body)) : understand(events(body));
}

async function* understand(stream: AsyncIterable<ServerEvent>): AsyncGenerator<GenerateEvent, void, undefined> {
  let isFinished = false;
  let tokens: TokenChance[] = [];
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
          seed: number(said.seed),
        };
      } else if (event === "logprobs") {
        tokens = [...tokens, ...(chancesOf({ content: said.content }) ?? [])];
      } else if (event === "error") {
        throw detailOf(said, 0);
      } else if (event === "message") {
        if (text(said.token)) yield { kind: "text", text: text(said.token), ...(tokens.length > 0 ? { tokens } : {}) };
        if (text(said.token)) tokens = [];
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
