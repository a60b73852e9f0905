/**
 * Which edits are one step of undo: typing until a pause, a new line, a jump or 120 characters; all that a generation
 * writes; all that is accepted of one ghost; all else by itself.
 */

import type { ChangeSet } from "@codemirror/state";

const PAUSE = 1000;
const MOST = 120;

export class Units {
  #unit = "";
  #at = 0;
  #end = -1;
  #length = 0;
  /** The step that a generation under way belongs to. */
  #generating = "";
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /**
   * @param piece The piece that the words come from, empty for the writer's own.
   * @param event CodeMirror's name for what the writer did, such as "input.type", or ours for a generation.
   */
  of(changes: ChangeSet, piece: string, event: string, now: number): string {
    const isGenerated = event === "input.generate" || event === "delete.retry" || event === "input.replace";
    const made = isGenerated ? this.#generating : event === "input.ghost" ? piece : "";
    return made || this.#typed(changes, event, now);
  }

  /** All that a generation changes from now on is one step. */
  begin(unit: string): void {
    this.#generating = unit;
  }

  #typed(changes: ChangeSet, event: string, now: number): string {
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

  /** The next edit begins a step; a generation that goes on keeps its own. */
  end(): void {
    this.#end = -1;
  }

  endGeneration(): void {
    this.#generating = "";
    this.end();
  }
}
