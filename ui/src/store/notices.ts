/** Errors as a writer reads them: what happened, and what to do about it. */

import { ApiError } from "../api/types";
import { say } from "../words/words.svelte";
import type { Places } from "../api/stories";
import { nameOf, placeName } from "./sentencesOf";

/** What a notice is about; a new one takes the place of the older one about the same thing. */
export type Topic = "generation" | "storage" | "tabs" | "story" | "turn" | "absence" | "left" | "full" | "unsaved" | "long";

export interface Action {
  label: string;
  run(): void;
}

export interface Notice {
  topic: Topic;
  tone: "error" | "info";
  title: string;
  advice: string;
  /** Its engine has failed: what to do is told by what that does now, and not once for all. */
  isOfEngine?: boolean;
  actions: Action[];
  /** Whether it can be put away, or stays until the cause is gone. */
  canClose: boolean;
}

/** Characters of lost words that a notice shows. */
const SHOWN = 160;

/** With a topic where they are not about what was to be done. */
type Words = Pick<Notice, "title" | "advice" | "isOfEngine"> & Partial<Pick<Notice, "topic">>;

/** For what the server cannot tell about itself, or does not. */
function ours(key: string | number): Words | undefined {
  const t = say();
  const known: Record<string, Words> = {
    gone: { title: t.noticeGone, advice: t.noticeGoneHint },
    disk_full: { topic: "unsaved", title: t.noticeWaits, advice: "" },
    cut: { title: t.noticeCut, advice: t.noticeCutHint },
    401: { title: t.noticeKey, advice: t.noticeKeyHint },
    503: { title: t.noticeBusy, advice: t.noticeBusyHint },
  };
  return known[key];
}

/** What an error says, in the page's language if that has words for its code. */
export function problemOf({ type, message, status }: Pick<ApiError, "type" | "message" | "status">): string {
  // Only the server's own sentence says what is wrong with a request.
  if (type === "bad_request" && message) return say().refusedBecause(message);
  return say().errors[type] ?? (message || say().noticeStatus(status));
}

/** Why a step back or forth was not done. */
export function stepProblem(error: unknown): string {
  const isRefused = error instanceof ApiError && error.status > 0;
  return isRefused ? say().stepRefused(problemOf(error)) : say().stepsNeedServer;
}

/** Words for anything that a generation can fail with. */
export function wordsFor(error: unknown): Words {
  const t = say();
  if (!(error instanceof ApiError)) return { title: t.noticeBug, advice: `${String(error)} ${t.safe}` };
  if (error.type === "engine_restarted") return { title: t.noticeDied(/: (.+?)\.?$/.exec(split(error.message)[0])?.[1] ?? ""), advice: "", isOfEngine: true };
  if (error.type === "engine_stopped") return { title: split(problemOf(error))[0], advice: "", isOfEngine: true };
  const isMute = error.message === "" || error.status === 401;
  const known = (error.status === 0 ? ours(error.type) : undefined) ?? (isMute ? ours(error.status) : undefined);
  if (known) return known;
  const [title, advice] = split(problemOf(error));
  return { title, advice: `${advice} ${t.safe}`.trim() };
}

/** The server's errors name what is wrong in their first sentence and say what to do in the others. */
function split(message: string): [string, string] {
  const line = message.replace(/\s+/g, " ").trim();
  const end = /[.!?] (?=[\p{Lu}“])|。(?=.)/u.exec(line);
  return end ? [line.slice(0, end.index + 1), line.slice(end.index + 1).trim()] : [line, ""];
}

/** Why nothing can be generated now. */
export function absentWords(absence: "gone" | "stopped" | "unloaded" | "coming", failure: string): Words {
  const t = say();
  if (absence === "gone") return { title: t.noticeGone, advice: t.noticeGoneHint };
  const [title, advice] = absence === "stopped" ? split(failure) : ["", ""];
  return { title: title || t.awayTitles[absence], advice: advice || t.awayHints[absence] };
}

/** A piece goes on as soon as the server can be reached. */
export function lostNotice(): Notice {
  const t = say();
  return { topic: "generation", tone: "info", title: t.noticeCut, advice: t.noticeLostHint, actions: [], canClose: true };
}

/** The stories could not be reached at the start. */
export function storyNotice(error: unknown, again: () => void): Notice {
  return { topic: "story", tone: "error", ...wordsFor(error), actions: [{ label: say().tryAgain, run: again }], canClose: true };
}

/** The server has no room for what is typed. */
export function fullNotice(copy: () => void): Notice {
  const t = say();
  const actions = [{ label: t.saveCopy, run: copy }];
  return { topic: "full", tone: "error", title: t.noticeFull, advice: t.noticeFullHint, actions, canClose: false };
}

/** The server does not take what is typed. */
export function refusedNotice(refusal: ApiError, copy: () => void): Notice {
  const t = say();
  const actions = [{ label: t.saveCopy, run: copy }];
  return { topic: "full", tone: "error", title: t.notSaved, advice: problemOf(refusal), actions, canClose: false };
}

/** The model ended the text at once; the end can be forbidden. */
export function nothingNotice(goOn: () => void): Notice {
  const t = say();
  const actions = [{ label: t.writeAnyway, run: goOn }];
  return { topic: "generation", tone: "info", title: t.nothingToAdd, advice: t.nothingToAddHint, actions, canClose: true };
}

/** A paragraph is too long to read. */
export function longNotice(split: () => void): Notice {
  const t = say();
  const actions = [{ label: t.splitSentences, run: split }];
  return { topic: "long", tone: "info", title: t.noticeLong, advice: t.noticeLongHint, actions, canClose: true };
}

/** Words in this browser that belong to no story any more; closing it asks again at the next visit. */
export function orphanNotice(words: string, [keep, forget]: [() => void, () => void], close: () => void): Notice {
  const t = say();
  const act = (run: () => void) => (): void => {
    close();
    run();
  };
  const actions = [
    { label: t.leftKeep, run: act(keep) },
    { label: t.leftForget, run: act(forget) },
  ];
  const shown = words.length > SHOWN ? `${words.slice(0, SHOWN)}…` : words;
  return { topic: "left", tone: "info", title: t.left, advice: `“${shown}”`, actions, canClose: true };
}

/** Both changed the same: the writer chooses. */
export function conflictNotice([keepOurs, takeTheirs]: [() => void, () => void], close: () => void): Notice {
  const t = say();
  const act = (run: () => void) => (): void => {
    close();
    run();
  };
  const actions = [
    { label: t.keepThis, run: act(keepOurs) },
    { label: t.takeOther, run: act(takeTheirs) },
  ];
  return { topic: "tabs", tone: "error", title: t.otherTab, advice: t.otherTabHint, actions, canClose: false };
}

/** The same was changed here and elsewhere beside the text, and could not be joined. */
export function metNotice(met: readonly string[], places: Places): Notice {
  const names = met.map((place) => {
    const [collection = "", id = ""] = place.split("/");
    return collection === "lore" ? nameOf(id, places) : placeName(collection) || place;
  });
  return { topic: "tabs", tone: "info", title: say().otherPlace(names.join(", ")), advice: say().otherPlaceHint, actions: [], canClose: true };
}
