/** Tools of the server's tool servers in an assistant's story: which are on, and their calls, which run when they are allowed. */

import type { ToolServer, ToolsApi } from "../api/tools";
import { type Part, partsOf, unanswered } from "../modes/parts";
import { REFUSED, type Servers, serversOf, tame, toolOf } from "../modes/servers";
import type { Modes } from "./modes.svelte";
import { wordsFor } from "./notices";
import type { Session } from "./session.svelte";

export type CallPart = Part & { kind: "call" };

/** "once" and "always" let a call run; `text` is a result that the writer gives. */
export type Decision = "once" | "always" | "refuse" | { text: string };

/** Calls that may follow each other without the writer. */
const MAX_IN_A_ROW = 32;

export class Tools {
  /** null until the server has told them. */
  servers = $state.raw<readonly ToolServer[] | null>(null);
  /** The tool that runs now; empty for none. */
  running = $state("");

  readonly #api: ToolsApi;
  readonly #session: Session;
  readonly #modes: Modes;
  #controller = new AbortController();
  #inARow = 0;

  constructor(api: ToolsApi, session: Session, modes: Modes) {
    this.#api = api;
    this.#session = session;
    this.#modes = modes;
  }

  /** The servers that are on in this story. */
  get on(): Servers {
    return serversOf(this.#session.book.places.settings.tool_servers);
  }

  async look(): Promise<void> {
    this.servers ??= await this.#api.servers().catch(() => []);
  }

  /** Switches a server on or off; what its file allows needs no asking here either. */
  switch({ name, tools }: ToolServer, isOn: boolean): void {
    const { [name]: allowed, ...others } = this.on;
    this.#keep(isOn ? { ...others, [name]: allowed ?? tools.filter((tool) => tool.is_allowed).map((tool) => tool.name) } : others);
  }

  /** Every call of a server is asked about again. */
  askAgain(name: string): void {
    this.#keep({ ...this.on, [name]: [] });
  }

  /** A piece is written: its calls run if all of them are always allowed. */
  async goOn(): Promise<void> {
    const last = this.#modes.turns().at(-1);
    if (this.#modes.mode !== "assistant" || last?.who !== "model") return;
    const calls = unanswered(partsOf(this.#session.text.slice(last.bodyFrom, last.bodyTo)));
    if (calls.length === 0 || !calls.every((call) => this.#isAllowed(call)) || this.#inARow >= MAX_IN_A_ROW) return;
    this.#inARow += 1;
    await this.#run(calls, {});
  }

  /** The writer has decided about calls, by their ids; the model goes on with the results. */
  async decide(calls: readonly CallPart[], decisions: Readonly<Record<string, Decision>>): Promise<void> {
    this.#inARow = 0;
    for (const { id, name } of calls) {
      const found = toolOf(name, this.on);
      if (found && decisions[id] === "always") this.#keep({ ...this.on, [found.server]: [...(this.on[found.server] ?? []), found.tool] });
    }
    await this.#run(calls, decisions);
  }

  /** Waits for the tool no longer; its call is asked about again. */
  stop(): void {
    this.#controller.abort();
  }

  async #run(calls: readonly CallPart[], decisions: Readonly<Record<string, Decision>>): Promise<void> {
    if (this.running !== "") return;
    const story = this.#session.book.id;
    this.#controller = new AbortController();
    this.#session.close("generation");
    try {
      const results: [string, string][] = [];
      for (const call of calls) results.push([call.id, await this.#result(call, decisions[call.id] ?? "once")]);
      this.running = "";
      if (this.#session.book.id === story) await this.#modes.answer(results);
    } catch (error) {
      if (!this.#controller.signal.aborted) this.#session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
    } finally {
      this.running = "";
    }
  }

  async #result(call: CallPart, decision: Decision): Promise<string> {
    if (typeof decision === "object") return decision.text;
    if (decision === "refuse") return REFUSED;
    this.running = call.name;
    return tame(await this.#api.call(call.name, call.arguments, this.#controller.signal));
  }

  #isAllowed({ name }: CallPart): boolean {
    const found = toolOf(name, this.on);
    return found !== null && (this.on[found.server] ?? []).includes(found.tool);
  }

  #keep(servers: Servers): void {
    const { book } = this.#session;
    if (Object.keys(servers).length === 0) return book.remove("settings/tool_servers");
    book.put("settings/tool_servers", Object.fromEntries(Object.entries(servers).map(([name, allowed]) => [name, { allowed }])));
  }
}
