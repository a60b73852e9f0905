/** Which edits are one step of undo: typing until a pause, a new line, a jump or 120 characters; all else by itself. */

import type { ChangeSet } from "@codemirror/state";

const PAUSE = 1000;
const MOST = 120;

export class Units {
  #unit = "";
  #at = 0;
  #end = -1;
  #length = 0;
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** @param event CodeMirror's name for what the writer did, such as "input.type". */
  of(changes: ChangeSet, event: string, now: number): string {
    let from = -1;
    let to = -1;
    let end = -1;
    let written = "";
    let numRanges = 0;
    changes.iterChanges((fromA, toA, _fromB, toB, inserted) => {
      [from, to, end] = [fromA, toA, toB];
      written += inserted.sliceString(0);
      numRanges += 1;
    });
    const isTyping = event.startsWith("input.type") || event.startsWith("delete");
    const isNear = numRanges === 1 && (from === this.#end || to === this.#end);
    const goesOn = isTyping && isNear && now - this.#at < PAUSE && this.#length < MOST;
    if (!goesOn) {
      this.#unit = this.#newId();
      this.#length = 0;
    }
    this.#at = now;
    this.#length += written.length;
    // What comes after a new line, or after anything that is no typing, is a step of its own.
    this.#end = isTyping && !written.includes("\n") ? end : -1;
    return this.#unit;
  }

  /** The next edit begins a step. */
  end(): void {
    this.#end = -1;
  }
}
