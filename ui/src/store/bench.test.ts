import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Api } from "../api/client";
import { type Context, ApiError } from "../api/types";
import { Bench, endOf } from "./bench.svelte";
import type { Book } from "./book.svelte";

/** Entries fire where the text says their name. */
class Server {
  readonly asked: unknown[] = [];
  /** What answers wait for. */
  gate: Promise<void> = Promise.resolve();
  refusal: ApiError | null = null;

  readonly api = {
    context: async (_: string, about: { text: string }): Promise<Pick<Context, "lore">> => {
      this.asked.push(about);
      await this.gate;
      if (this.refusal) throw this.refusal;
      const all = ["lamp", "storm"].map((id) => ({ id }));
      return { lore: { fired: all.filter(({ id }) => about.text.includes(id)), silent: all.filter(({ id }) => !about.text.includes(id)) } };
    },
  } as unknown as Api;
}

const book = { text: "The storm.", branch: "main", journal: { story: "s", flush: () => Promise.resolve(true) } } as unknown as Book;
const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(500);

function benchOf(server: Server, isReady = true): Bench {
  return new Bench(server.api, book, () => isReady);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a text is tried on the open branch, and on nothing that the story's last pieces left behind", async () => {
  const server = new Server();
  const bench = benchOf(server);
  bench.text = "A lamp.";
  bench.changed();
  await soon();
  expect(server.asked).toEqual([{ branch: "main", text: "A lamp.", timers: {} }]);
  expect(bench.verdicts).toEqual({ fired: [{ id: "lamp" }], silent: [{ id: "storm" }] });
  bench.takeEnd();
  bench.changed();
  await soon();
  expect(bench.verdicts?.fired).toEqual([{ id: "storm" }]);
});

test("what is typed while the server answers is asked about next, and once", async () => {
  const server = new Server();
  const bench = benchOf(server);
  let answer = (): void => undefined;
  server.gate = new Promise((resolve) => (answer = resolve));
  bench.text = "A lamp.";
  bench.changed();
  await soon();
  for (const text of ["A", "A storm."]) {
    bench.text = text;
    bench.changed();
    await soon();
  }
  expect(server.asked).toHaveLength(1);
  answer();
  await soon();
  expect(server.asked).toHaveLength(2);
  expect(bench.verdicts?.fired).toEqual([{ id: "storm" }]);
});

test("it opens with the story's end, and keeps what was written into it", () => {
  const bench = benchOf(new Server());
  bench.toggle(true);
  expect(bench.text).toBe("The storm.");
  bench.text = "A lamp.";
  bench.toggle(false);
  bench.toggle(true);
  expect(bench.text).toBe("A lamp.");
});

test("nothing is asked about no text, or without a model", async () => {
  const server = new Server();
  const benches = [benchOf(server), benchOf(server, false)];
  for (const [index, bench] of benches.entries()) {
    bench.text = ["  \n", "A lamp."][index] ?? "";
    bench.changed();
  }
  await soon();
  expect(server.asked).toEqual([]);
  expect(benches.map(({ verdicts }) => verdicts)).toEqual([null, null]);
});

test("a refusal is told in place of verdicts, until the next answer", async () => {
  const server = new Server();
  const bench = benchOf(server);
  server.refusal = new ApiError("too_long", "The fixed parts leave no room.", 400);
  bench.text = "A lamp.";
  bench.changed();
  await soon();
  expect([bench.verdicts, bench.problem]).toEqual([null, "The fixed parts leave no room."]);
  server.refusal = null;
  bench.changed();
  await soon();
  expect(bench.problem).toBe("");
  expect(bench.verdicts?.fired).toEqual([{ id: "lamp" }]);
});

test("the end of a long text begins with a whole paragraph", () => {
  expect(endOf("Short.")).toBe("Short.");
  const line = "x".repeat(2999);
  expect(endOf(`${line}\n${line}\n${line}\n${line}`)).toBe(`${line}\n${line}`);
  expect(endOf("y".repeat(20_000))).toBe("y".repeat(8000));
  const halved = endOf(`${"😀".repeat(9000)}z`);
  expect(halved).toBe(`${"😀".repeat(3999)}z`);
});
