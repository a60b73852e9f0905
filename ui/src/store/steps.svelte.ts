/** Whether there is a step back or forth in the text that is shown: the journal says it, and what happens since changes it. */

import type { Possible } from "../api/stories";
import type { Step } from "../journal/events";

interface Caret {
  caret(): number;
}

export class Steps {
  canUndo = $state(false);
  canRedo = $state(false);
  /** Where the caret was when a step was asked for here, or was put by the last one; null where none was asked for. */
  #caret: number | null = null;

  /** Another text is shown. */
  set({ canUndo, canRedo }: Possible): void {
    [this.canUndo, this.canRedo] = [canUndo, canRedo];
  }

  /** A step is asked for here. */
  ask(story: Caret | null): void {
    this.#caret = story?.caret() ?? null;
  }

  /** Takes over what was done elsewhere. The caret goes to a step that was asked for here, if the writer has left it where it was. */
  follow(role: string, story: Caret | null, apply: (moves: boolean) => void): void {
    this.done(role);
    const moves = role !== "do" && story !== null && story.caret() === this.#caret;
    apply(moves);
    if (moves) this.#caret = story.caret();
  }

  /** Something was done, here or elsewhere: new words, or a step of somebody else's. */
  done(role: string): void {
    if (role === "undo") this.canRedo = true;
    else this.canUndo = true;
    if (role === "do") this.canRedo = false;
  }

  /** A step was asked for here. */
  stepped(verb: "undo" | "redo", { isDone, hasMore }: Step): void {
    if (verb === "undo") [this.canUndo, this.canRedo] = [hasMore, this.canRedo || isDone];
    else [this.canUndo, this.canRedo] = [this.canUndo || isDone, hasMore];
  }
}
