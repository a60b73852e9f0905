/** Listens to a stream until it has ended, across connections that break. */

import { ApiError, type GenerateEvent, type TokenChance } from "../api/types";

/** Milliseconds before a stream that broke is read again, at first and at most. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

type Events = AsyncIterable<GenerateEvent>;

export interface Line {
  /** Whether the server may have the stream, and somebody wants it. */
  isWanted(): boolean;
  /** The stream from its beginning. */
  again(): Events;
  /** Waits so many milliseconds, or less if nobody wants it any more. */
  rest(milliseconds: number): Promise<void>;
  /** Told that the connection broke, or that the stream is heard again. */
  onLink(isThere: boolean): void;
}

/** Whether the connection broke: what was asked for may still be there. */
export function isLost(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 ? error.type === "gone" || error.type === "cut" : error.status >= 502 && error.status <= 504);
}

/** The server has not kept the stream. */
export const isUnknown = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

/** The events of a stream; text that comes again after a break is not told twice. */
export async function* listen(first: Events, line: Line): AsyncGenerator<GenerateEvent, void, undefined> {
  let [heard, pause] = [0, FIRST_PAUSE];
  for (let events = first; ; events = line.again()) {
    let [known, isThere] = [heard, events === first];
    try {
      for await (const event of events) {
        if (!isThere) line.onLink((isThere = true));
        if (event.kind !== "text") {
          yield event;
          continue;
        }
        const text = event.text.slice(known);
        const told = event.text.length - text.length;
        known -= told;
        if (text === "") continue;
        [heard, pause] = [heard + text.length, FIRST_PAUSE];
        yield told > 0 && event.tokens ? { ...event, text, tokens: endOf(event.tokens, text.length) } : { ...event, text };
      }
      return;
    } catch (error) {
      if (events !== first && isUnknown(error)) throw new ApiError("cut", "");
      if (!isLost(error) || !line.isWanted()) throw error;
      line.onLink(false);
      await line.rest(pause);
      if (!line.isWanted()) throw error;
    }
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

/** The last tokens that stand within so many characters: one of which a part was told was told with it. */
function endOf(tokens: readonly TokenChance[], length: number): TokenChance[] {
  let left = length;
  return tokens.toReversed().filter(({ text }) => (left -= text.length) >= 0).toReversed();
}
