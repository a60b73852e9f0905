/** What a journal tells the page. */

import type { Operation, Recorded } from "../api/stories";
import { ApiError } from "../api/types";
import type { ChangeSet } from "@codemirror/state";

/** Milliseconds until a server that did not answer is asked again. */
export const AGAIN = 2000;

/** "saved": all is acknowledged; "saving": not since a second; "away": the server is silent; "full": its disk is; "refused": it said no. */
export type SaveState = "saved" | "saving" | "away" | "full" | "refused";

export interface JournalEvents {
  /** Others, or an undo, have changed the text of a branch. */
  onEdit(branch: string, changes: ChangeSet, record: Recorded): void;
  /** Others, or an undo, have changed something else: all of it that came at once. */
  onPlaces(operations: readonly Operation[]): void;
  /** Others have changed the same paragraph: nothing more is sent until somebody chooses. */
  onConflict(): void;
  /** Others have changed the same places beside the text, and what was done here stands there now. */
  onMet(places: readonly string[]): void;
  /** The length of a branch's text as it is here; -1 of one that is not shown. */
  lengthOf(branch: string): number;
}

/** For a story that was closed: nobody is told, and no branch is shown. */
export const SILENT: JournalEvents = {
  onEdit: () => undefined,
  onPlaces: () => undefined,
  onConflict: () => undefined,
  onMet: () => undefined,
  lengthOf: () => -1,
};

export interface Step {
  isDone: boolean;
  hasMore: boolean;
}

/** How a batch stands that was not taken. */
export function stateAfter(error: unknown): SaveState {
  if (!(error instanceof ApiError)) return "away";
  const { status, type } = error;
  if (status >= 400 && status < 500 && status !== 401 && status !== 429) return "refused";
  return type === "disk_full" ? "full" : "away";
}
