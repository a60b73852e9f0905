/** Errors as a writer reads them: what happened, and what to do about it. */

import { ApiError } from "../api/types";

/** What a notice is about; a new one takes the place of the older one about the same thing. */
export type Topic = "generation" | "storage" | "tabs" | "kept";

export interface Action {
  label: string;
  run(): void;
}

export interface Notice {
  topic: Topic;
  tone: "error" | "info";
  title: string;
  advice: string;
  actions: Action[];
  /** Whether it can be put away, or stays until the cause is gone. */
  canClose: boolean;
}

type Words = Pick<Notice, "title" | "advice">;

const SAFE = "Your text is safe.";

/** For what the server cannot tell about itself, or does not. */
const OURS: Record<string, Words> = {
  gone: {
    title: "Coblyn does not answer.",
    advice: `It may have been closed. Start it again with “coblyn serve”, then try again. ${SAFE}`,
  },
  cut: {
    title: "The connection to Coblyn broke while it was writing.",
    advice: "What had arrived is kept. Press Generate to go on from there, or Retry for another take.",
  },
  401: {
    title: "This server asks for a key.",
    advice: "The page cannot send one yet. Open it on the machine on which Coblyn runs.",
  },
  503: {
    title: "Coblyn is busy, or its model is not ready.",
    advice: "Wait a moment and try again.",
  },
};

/** Words for anything that a generation can fail with. */
export function wordsFor(error: unknown): Words {
  if (!(error instanceof ApiError)) return { title: "The page has failed.", advice: `${String(error)} ${SAFE}` };
  const ours = OURS[error.type] ?? (error.message === "" || error.status === 401 ? OURS[error.status] : undefined);
  if (ours) return ours;
  const [title, advice] = split(error.message || `Coblyn answered with error ${error.status}. Try again.`);
  return { title, advice: `${advice} ${SAFE}`.trim() };
}

/** The server's errors name what is wrong in their first sentence and say what to do in the others. */
function split(message: string): [string, string] {
  const line = message.replace(/\s+/g, " ").trim();
  const end = /[.!?] (?=[\p{Lu}“])/u.exec(line);
  return end ? [line.slice(0, end.index + 1), line.slice(end.index + 2)] : [line, ""];
}
