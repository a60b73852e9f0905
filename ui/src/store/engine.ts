/** What the engine does, in words: the header, the bar, the panel Model and notices all say it from here. */

import type { ModelChoice, ModelWork } from "../api/models";
import type { Health, ServerStatus } from "../api/types";
import { say } from "../words/words.svelte";
import { briefly, percentOf } from "./figures";

/** What is known of it: "gone" if the server does not answer, "unknown" before its first answer. */
export type EngineState = ServerStatus | "gone" | "unknown";

/** As `Server` has it. */
export interface Engine {
  state: EngineState;
  health: Health | null;
}

/** What it does, in one line. */
export function engineWords({ state, health }: Engine): string {
  const model = health?.model ?? "";
  if (state === "loading") return say().loadingOf(model, percentOf(health?.loaded ?? 0));
  if (state === "ok" || state === "sleeping") return model ? say().onMachine(model, briefly(health?.accelerator ?? "")) : say().noModel;
  return say().engineStates[state];
}

/** What a model does that can be chosen; a list may be older than what is known of the engine. */
export function modelState({ name, answers, state }: ModelChoice, engine: Engine, work: ModelWork | null): ModelChoice["state"] {
  const coming = engine.state === "loading" ? engine.health?.model : work?.kind === "load" ? work.name : null;
  if (coming === name) return "loading";
  if (!answers) return state;
  return engine.state === "loading" || engine.state === "gone" || engine.state === "unknown" ? "here" : engine.state;
}
