/** What is known of the server: whether it answers, its model, what runs it. */

import type { Api } from "../api/client";
import type { Health } from "../api/types";
import type { EngineState } from "./engine";
import { Pace } from "./pace";

/** Milliseconds until the next look, by what was seen. */
const AGAIN = { ok: 20_000, sleeping: 20_000, loading: 500, restarting: 500, "not responding": 1000, stopped: 5000, unloaded: 5000, gone: 3000 };

export class Server {
  /** null until the first answer. */
  health = $state.raw<Health | null>(null);
  isGone = $state(false);
  /** Seconds until the model is loaded; null while that is not known. */
  secondsLeft = $state<number | null>(null);

  readonly #api: Api;
  readonly #pace = new Pace();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: Promise<void> = Promise.resolve();

  constructor(api: Api) {
    this.#api = api;
  }

  /** What the engine does, as far as that is known. */
  get state(): EngineState {
    return this.isGone ? "gone" : (this.health?.status ?? "unknown");
  }

  /** Whether a model answers, or would once it is asked. Without one, nothing of it is asked. */
  get isReady(): boolean {
    return this.health?.model !== "" && (this.state === "ok" || this.state === "sleeping");
  }

  /** Why nothing can be generated until somebody does something about it; null where it can be, or will by itself. */
  get absence(): "gone" | "stopped" | "unloaded" | null {
    const { state } = this;
    return state === "gone" || state === "stopped" || state === "unloaded" ? state : null;
  }

  /** Whether an engine is on its way: what is asked of it waits. */
  get isComing(): boolean {
    return this.state === "loading" || this.state === "restarting" || this.state === "not responding";
  }

  /** Looks now and from then on, while the page is on screen. */
  watch(): () => void {
    const look = (): void => {
      if (!document.hidden) void this.check();
    };
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      document.removeEventListener("visibilitychange", look);
      clearTimeout(this.#timer);
    };
  }

  /** Looks once more, behind a look that is under way: its answer may be older than what the caller knows. */
  check(): Promise<void> {
    this.#asking = this.#asking.then(() => this.#ask());
    return this.#asking;
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      this.health = await this.#api.health();
      this.isGone = false;
      const { status, model, loaded } = this.health;
      this.secondsLeft = status === "loading" ? this.#pace.note(model, loaded, performance.now()) : null;
    } catch {
      // Any failure means the same here: it cannot be asked. What a generation fails with is told in words.
      this.isGone = true;
    }
    const again = AGAIN[this.isGone || !this.health ? "gone" : this.health.status];
    this.#timer = setTimeout(() => !document.hidden && void this.check(), again);
  }
}
