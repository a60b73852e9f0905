/** A story as it is opened: a text with its sources, why there is none, and what the page is told. */

import type { Runs } from "../api/stories";

/** Why a story is not there: what the server said, and the last version that can be read. */
export interface Broken {
  id: string;
  message: string;
  readable: number | null;
}

/** A text and its sources. */
export interface Written {
  text: string;
  runs: Runs;
}

/** A text as an editor begins with it; `at` is where the caret was left, null for the end. */
export interface Loaded extends Written {
  at: number | null;
}

export interface BookEvents {
  /** A story or a branch was opened: the address has to name it. */
  onOpen(id: string, branch: string): void;
  /** Something besides the text has changed. */
  onPlace(): void;
  /** Others changed the same; `theirs` is their text. */
  onConflict(keepOurs: () => void, takeTheirs: () => void): void;
  /** Others changed the same beside the text, and what was done here stands there now. */
  onMet(places: readonly string[]): void;
  /** Words that were typed in this browser belong nowhere any more. */
  onOrphan(words: string, keep: () => void, forget: () => void): void;
}
