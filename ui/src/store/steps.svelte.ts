/** Whether there is a step back or forth in the text that is shown: the journal says it, and what happens since changes it. */

import type { Step } from "../journal/events";

export interface Possible {
  canUndo: boolean;
  canRedo: boolean;
}

export class Steps {
  canUndo = $state(false);
  canRedo = $state(false);

  /** Another text is shown. */
  set({ canUndo, canRedo }: Possible): void {
    [this.canUndo, this.canRedo] = [canUndo, canRedo];
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
