import { expect, test } from "vitest";

import { ApiError, type GenerateEvent } from "../api/types";
import { type Line, listen } from "./listening";

const WORDS = ["Once ", "upon ", "a ", "time."];
const CUT = new ApiError("cut", "");

/** The stream from its beginning, cut behind so many characters of its text; whole where they are more. */
async function* stream(end: number, failure: unknown = CUT, words = WORDS): AsyncGenerator<GenerateEvent> {
  await Promise.resolve();
  yield { kind: "progress", total: 1, cached: 0, processed: 1 };
  let left = end;
  for (const word of words) {
    const text = word.slice(0, left);
    if (text) yield { kind: "text", text };
    left -= text.length;
    if (text.length < word.length) throw failure;
  }
  yield { kind: "finish", reason: "stop" };
}

function line(later: AsyncGenerator<GenerateEvent>[], about: Partial<Line> = {}): Line & { said: string[] } {
  const said: string[] = [];
  return {
    said,
    isWanted: () => true,
    again: () => later.shift() ?? stream(Infinity),
    rest: (milliseconds) => Promise.resolve(void said.push(`rest ${String(milliseconds)}`)),
    onLink: (isThere) => said.push(isThere ? "there" : "lost"),
    ...about,
  };
}

async function heardOf(events: AsyncIterable<GenerateEvent>): Promise<string> {
  let heard = "";
  for await (const event of events) if (event.kind === "text") heard += event.text;
  return heard;
}

const WHOLE = WORDS.join("");

test("a stream that is cut anywhere is told once, and whole", async () => {
  for (let first = 0; first < WHOLE.length; first += 1)
    for (let second = 0; second < WHOLE.length; second += 1) {
      const later = line([stream(second)]);
      expect(await heardOf(listen(stream(first), later))).toBe(WHOLE);
      expect(later.said).toEqual(["lost", "rest 500", "there", "lost", second > first ? "rest 500" : "rest 1000", "there"]);
    }
});

test("what comes again in other chunks is not told twice", async () => {
  const again = stream(Infinity, CUT, [...WHOLE]);
  expect(await heardOf(listen(stream(7), line([again])))).toBe(WHOLE);
});

test("the chances of text that comes again in longer chunks are not told twice", async () => {
  async function* chunks(parts: readonly string[][], ending: unknown): AsyncGenerator<GenerateEvent> {
    await Promise.resolve();
    for (const words of parts) yield { kind: "text", text: words.join(""), tokens: words.map((text) => ({ text, logprob: -1, top: [] })) };
    if (ending) throw ending;
    yield { kind: "finish", reason: "stop" };
  }
  const heard: string[] = [];
  const again = chunks([["Once ", "upon ", "a "], ["time."]], null);
  for await (const event of listen(chunks([["Once "], ["upon "]], CUT), line([again]))) if (event.kind === "text") heard.push(...(event.tokens ?? []).map(({ text }) => text));
  expect(heard).toEqual(WORDS);
});

test("a server that is away is asked less and less often", async () => {
  const gone = (): AsyncGenerator<GenerateEvent> => stream(0, new ApiError("gone", ""), ["x"]);
  const away = Array.from({ length: 6 }, () =>
    (async function* (): AsyncGenerator<GenerateEvent> {
      await Promise.resolve();
      yield* []; // not even a beginning
      throw new ApiError("gone", "");
    })(),
  );
  const later = line([...away]);
  expect(await heardOf(listen(gone(), later))).toBe(WHOLE);
  expect(later.said.filter((word) => word.startsWith("rest"))).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000].map((n) => `rest ${String(n)}`));
  expect(later.said.at(-1)).toBe("there");
});

test("what is not a break, and what nobody wants again, is told as it is", async () => {
  const refused = new ApiError("engine_restarted", "", 500);
  await expect(heardOf(listen(stream(3, refused), line([])))).rejects.toBe(refused);
  await expect(heardOf(listen(stream(3), line([], { isWanted: () => false })))).rejects.toBe(CUT);
  let isWanted = true;
  const stopped = line([], { isWanted: () => isWanted, rest: () => Promise.resolve(void (isWanted = false)) });
  await expect(heardOf(listen(stream(3), stopped))).rejects.toBe(CUT);
});

test("a stream that the server has forgotten was cut", async () => {
  const unknown = new ApiError("not_found", "No stream.", 404);
  await expect(heardOf(listen(stream(3), line([stream(0, unknown)])))).rejects.toMatchObject({ type: "cut" });
  await expect(heardOf(listen(stream(0, unknown), line([])))).rejects.toBe(unknown);
});
