/** The piece that is being written, kept in this browser: a page that comes after finds it again, and others see it. */

import type { Runs } from "../api/stories";
import type { Written } from "./pieces";
import type { Receipt } from "./receipt";
import { spacing } from "./spacing";
import { forget, recall, remember } from "./stored";

/** A stream on the server, under the name that finds it again and the key that stops it. */
export interface Stream {
  stream: string;
  genkey: string;
  max_length: number;
  isConversation: boolean;
}

/** The text that is written in. */
export interface Where {
  story: string;
  branch: string;
}

/** A page is going to write there: no other one does. */
export interface Claim extends Where {
  author: string;
  genkey: string;
}

export interface Running extends Stream, Claim {
  piece: string;
  /** Where it is written, after so many characters of the text. */
  place: "end" | "piece";
  from: number;
  /** The piece that it takes the place of. */
  old: Written | null;
  /** The end of what was sent: the answer is fitted to it. */
  tail: string;
  receipt: Receipt;
}

/** Characters of a prompt that are enough to fit an answer to it. */
export const TAIL = 200;

const PREFIX = "coblyn.running.";

const keyOf = ({ story, branch }: Where): string => `${PREFIX}${story}/${branch}`;

/** What is being written into a text; null for nothing. */
export function runningIn(storage: Storage | null, where: Where): Claim | Running | null {
  const found = recall(storage, keyOf(where));
  const { genkey, author } = (found ?? {}) as Partial<Claim>;
  return typeof genkey === "string" && typeof author === "string" ? (found as Claim | Running) : null;
}

export const isFound = (running: Claim | Running): running is Running => "stream" in running;

export function keepRunning(storage: Storage | null, running: Claim | Running): void {
  remember(storage, keyOf(running), running);
}

/** Gives it up to whichever page opens the text next: nobody's is taken over at once. */
export function releaseRunning(storage: Storage | null, running: Running): void {
  keepRunning(storage, { ...running, author: "" });
}

/** It is over; another one that has begun since stays. */
export function forgetRunning(storage: Storage | null, running: Where & Pick<Claim, "genkey">): void {
  if (runningIn(storage, running)?.genkey === running.genkey) forget(storage, keyOf(running));
}

/** Calls when another page of this browser begins to write into a text, or ends. */
export function onRunning(where: () => Where, act: () => void): void {
  if (typeof window === "undefined") return;
  window.addEventListener("storage", ({ key }) => key === keyOf(where()) && act());
}

/** The words of a piece that the stream has brought so far. */
export function wordsSoFar(text: string, runs: Runs, { piece, receipt }: Running): string {
  let [at, words] = [0, ""];
  for (const [length, source] of runs) {
    if (source === piece) words += text.slice(at, at + length);
    at += length;
  }
  return words.slice(receipt.opening.length);
}

/** What of a stream that is read again is not in the text yet; null where the text is not what the stream began with. */
export function restOf(inText: string, { isConversation, tail }: Pick<Running, "isConversation" | "tail">): (chunk: string) => string | null {
  const { fit } = spacing(isConversation ? "" : tail);
  let left = inText;
  return (chunk) => {
    const text = fit(chunk).replaceAll("\r", "");
    const size = Math.min(left.length, text.length);
    if (text.slice(0, size) !== left.slice(0, size)) return null;
    left = left.slice(size);
    return text.slice(size);
  };
}
