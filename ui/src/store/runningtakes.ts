/** The takes that are being written, kept in this browser: a page that comes after finds their streams again. */

import type { Receipt } from "./receipt";
import type { Written } from "./pieces";
import type { Where } from "./running";
import { forget, recall, remember } from "./stored";

export interface RunningTake {
  id: string;
  piece: string;
  genkey: string;
  seed: number;
  /** The name of its stream; empty of one that has not begun. */
  stream: string;
  /** It has ended, and all of it is kept in the story. */
  isOver: boolean;
}

export interface RunningTakes extends Where {
  author: string;
  slot: string;
  /** What stands in the text in whose place they are written. */
  old: Written | null;
  isConversation: boolean;
  max_length: number;
  /** The end of what was sent: the answers are fitted to it. */
  tail: string;
  /** Of all, but for the seed. */
  receipt: Receipt;
  takes: readonly RunningTake[];
}

const keyOf = ({ story, branch }: Where): string => `coblyn.takes.${story}/${branch}`;

/** Those of a text; null where none are being written. */
export function takesIn(storage: Storage | null, where: Where): RunningTakes | null {
  const found = recall(storage, keyOf(where)) as Partial<RunningTakes> | null;
  return typeof found?.author === "string" && Array.isArray(found.takes) ? (found as RunningTakes) : null;
}

/** Keeps them in place of those that ran before; where all are over nothing is kept. */
export function keepTakes(storage: Storage | null, running: RunningTakes): void {
  if (running.takes.some(({ stream, isOver }) => stream !== "" && !isOver)) remember(storage, keyOf(running), running);
  else if (takesIn(storage, running)?.slot === running.slot) forget(storage, keyOf(running));
}

/** Gives them up to whichever page opens the text next: nobody's are taken over at once. */
export function releaseTakes(storage: Storage | null, running: RunningTakes): void {
  keepTakes(storage, { ...running, author: "" });
}
