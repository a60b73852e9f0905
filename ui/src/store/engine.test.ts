import { expect, test } from "vitest";

import type { ModelChoice, ModelWork } from "../api/models";
import type { Health } from "../api/types";
import { type Engine, engineWords, modelState } from "./engine";

const HEALTH: Health = { status: "ok", model: "first", accelerator: "CPU: AVX2, FMA", context: 2048, loaded: 1, failure: "" };

const engine = (status: Health["status"], facts: Partial<Health> = {}): Engine => ({ state: status, health: { ...HEALTH, status, ...facts } });
const choice = (name: string, answers: boolean, state: string): ModelChoice => ({ name, answers, state, size: 1, quantization: "", trouble: "" });
const first = choice("first", true, "stopped");
const second = choice("second", false, "here");
const loading: ModelWork = { name: "first", kind: "load", done: 0, total: null };

test("what the engine does is said in one line", () => {
  expect(engineWords(engine("ok"))).toBe("first on CPU, AVX2");
  expect(engineWords(engine("loading", { model: "second", loaded: 0.4 }))).toBe("Loading second, 40 %");
  expect(engineWords(engine("stopped"))).toBe("The engine has stopped");
  expect(engineWords({ state: "gone", health: HEALTH })).toBe("Coblyn does not answer");
  expect(engineWords({ state: "unknown", health: null })).toBe("Looking for the server");
});

test("a stopped model does not answer, and does again once it has been loaded", () => {
  expect(modelState(first, engine("stopped"), null)).toBe("stopped");
  expect(modelState(first, engine("stopped"), loading)).toBe("loading");
  expect(modelState(first, engine("loading"), loading)).toBe("loading");
  expect(modelState(first, engine("ok"), null)).toBe("ok");
});

test("while one model is loaded in place of another, neither answers", () => {
  const coming = engine("loading", { model: "second" });
  expect([first, second].map((model) => modelState(model, coming, null))).toEqual(["here", "loading"]);
});

test("a model that is loaded beside the one that answers leaves it its place", () => {
  const work = { ...loading, name: "second" };
  expect([first, second].map((model) => modelState(model, engine("ok"), work))).toEqual(["ok", "loading"]);
});

test("nothing is said of a model's engine while the server does not answer", () => {
  expect(modelState(first, { state: "gone", health: HEALTH }, null)).toBe("here");
});
