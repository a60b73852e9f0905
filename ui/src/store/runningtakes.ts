/** The takes that are being written, kept in this browser: a page that comes after finds their streams again. */

import type { Receipt } from "./receipt";
import type { Written } from "./pieces";
import type { Where } from "./running";
import { forget, keysOf, recall, remember } from "./stored";

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
  /** Under which they are kept. */
  id: string;
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

const PREFIX = "coblyn.takes.";

const keyOf = ({ id }: RunningTakes): string => `${PREFIX}${id}`;

/** Those of a text, of each page its own. */
export function takesIn(storage: Storage | null, { story, branch }: Where): RunningTakes[] {
  const found = keysOf(storage, PREFIX).map((key) => recall(storage, key) as Partial<RunningTakes> | null);
  const isOne = (one: Partial<RunningTakes> | null): one is RunningTakes => typeof one?.id === "string" && typeof one.author === "string" && Array.isArray(one.takes);
  return found.filter(isOne).filter((one) => one.story === story && one.branch === branch);
}

/** Keeps them as they are now; where all are over nothing is kept. */
export function keepTakes(storage: Storage | null, running: RunningTakes): void {
  if (running.takes.some(({ stream, isOver }) => stream !== "" && !isOver)) remember(storage, keyOf(running), running);
  else forget(storage, keyOf(running));
}

/** Gives them up to whichever page opens the text next: nobody's are taken over at once. */
export function releaseTakes(storage: Storage | null, running: RunningTakes): void {
  keepTakes(storage, { ...running, author: "" });
}

/** Calls when another page of this browser keeps takes, or those of one are over. */
export function onTakes(act: () => void): void {
  if (typeof window === "undefined") return;
  window.addEventListener("storage", ({ key }) => key?.startsWith(PREFIX) && act());
}
