/** What a journal tells the page. */

import type { Recorded } from "../api/stories";
import type { ChangeSet } from "@codemirror/state";

/** "saved": all is acknowledged; "saving": not since a second; "away": the server is silent; "full": its disk is; "refused": it said no. */
export type SaveState = "saved" | "saving" | "away" | "full" | "refused";

export interface JournalEvents {
  /** Others, or an undo, have changed the text of a branch. */
  onEdit(branch: string, changes: ChangeSet, record: Recorded): void;
  /** Others, or an undo, have changed something else: all of it that came at once. */
  onPlaces(records: readonly Recorded[]): void;
  /** Others have changed the same paragraph or place: nothing more is sent until somebody chooses. */
  onConflict(scope: string): void;
  /** The length of a branch's text as it is here; -1 of one that is not shown. */
  lengthOf(branch: string): number;
}

export interface Step {
  isDone: boolean;
  hasMore: boolean;
}
