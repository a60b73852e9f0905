/** Paragraphs too long to read, such as a book pasted as one line, and how they are split. */

import type { ChangeSet } from "@codemirror/state";

import { sentencesOf } from "../editor/sentences";
import { longNotice } from "./notices";
import type { Session } from "./session.svelte";

/** Characters of a paragraph from which on the page offers to split it. */
const LONG = 20_000;

/** Characters after which a paragraph ends with its sentence. */
const ENOUGH = 600;

export interface Break {
  from: number;
  to: number;
  insert: string;
}

export function hasLong(text: string): boolean {
  return text.length > LONG && text.split("\n").some((line) => line.length > LONG);
}

/** The changes that split each long paragraph of a text at ends of sentences, in order; spaces there give way. */
export function breaksOf(text: string): Break[] {
  const found: Break[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    if (line.length > LONG) found.push(...breaksIn(line, start));
    start += line.length + 1;
  }
  return found;
}

function breaksIn(line: string, start: number): Break[] {
  const found: Break[] = [];
  let begun = 0;
  let end = 0;
  for (const sentence of sentencesOf(line)) {
    end += sentence.length;
    if (end - begun < ENOUGH || end === line.length) continue;
    const numSpaces = sentence.length - sentence.trimEnd().length;
    found.push({ from: start + end - numSpaces, to: start + end, insert: "\n\n" });
    begun = end;
  }
  return found;
}

/** The writer has changed the text: a long paragraph that was pasted is told of. */
export function tellOfLong(session: Session, changes: ChangeSet): void {
  let isLong = false;
  changes.iterChanges((_fromA, _toA, _fromB, _toB, inserted) => (isLong ||= inserted.length > LONG && hasLong(inserted.toString())));
  if (isLong) offerSplit(session);
}

/** A story was opened: one with a long paragraph is told of, since each key takes long in it. */
export function tellOfLongIn(session: Session): void {
  if (hasLong(session.text)) offerSplit(session);
  else session.close("long");
}

function offerSplit(session: Session): void {
  session.notify(longNotice(() => void splitLong(session)));
}

/** Splits the long paragraphs of the story that is open, as one step of undo. */
export async function splitLong(session: Session): Promise<void> {
  await session.settle();
  session.close("long");
  const breaks = breaksOf(session.text);
  if (breaks.length > 0) session.story?.replace(breaks);
}
