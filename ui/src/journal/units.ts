/**
 * Which edits are one step of undo: typing until a pause, a new line, a jump or 120 characters; all that a generation
 * writes; all that is accepted of one ghost; all else by itself. Beside the text, typing in one field is one likewise,
 * and so is drawing one slider.
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
  /** The field beside the text that was changed last, with its step. */
  #field: string | null = null;
  #fieldUnit = "";
  #fieldAt = 0;
  #fieldLength = 0;
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

  /** @param old The value that stood at a place beside the text. */
  ofPlace(place: string, old: unknown, value: unknown, now: number): string {
    const typed = typedIn(old, value);
    const field = typed && `${place}${typed.field}`;
    const goesOn = field !== null && field === this.#field && now - this.#fieldAt < PAUSE && this.#fieldLength < MOST;
    if (!goesOn) [this.#fieldUnit, this.#fieldLength] = [this.#newId(), 0];
    this.#fieldLength += typed?.length ?? 0;
    this.#fieldAt = now;
    this.#field = typed?.isLineEnd === true ? null : field;
    return this.#fieldUnit;
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

interface Typed {
  field: string;
  /** Characters that came or went. */
  length: number;
  isLineEnd: boolean;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The only text or number in which two values differ; null where more does, or something else, such as a list of keys. */
function typedIn(old: unknown, value: unknown, field = ""): Typed | null {
  if (typeof value === "number") return typeof old === "number" ? { field, length: 0, isLineEnd: false } : null;
  if (typeof value === "string") {
    const before = typeof old === "string" ? old : "";
    const lines = (text: string): number => text.split("\n").length;
    return { field, length: Math.abs(value.length - before.length), isLineEnd: lines(value) > lines(before) };
  }
  if (!isObject(old) || !isObject(value)) return null;
  const names = Object.keys({ ...old, ...value }).filter((name) => JSON.stringify(old[name]) !== JSON.stringify(value[name]));
  const [name] = names;
  return name === undefined || names.length > 1 ? null : typedIn(old[name], value[name], `${field}/${name}`);
}
