/** Several takes of the next piece beside each other, of which the writer uses one or a part. */

import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { wordsFor } from "./notices";
import { requestOf } from "./request";
import type { Session } from "./session.svelte";

export async function writeTakes(session: Session, count: number): Promise<void> {
  const { generation, takes, sampler, outlook, book } = session;
  if (!session.story || generation.isRunning || takes.isWriting) return;
  session.close("generation");
  try {
    const table = await sampler.ready();
    const sent = await outlook.prepare(null);
    outlook.sent(sent);
    const { request, fit } = requestOf(sent, book.places, sampler.settings, table, newKey());
    await takes.write(count, request, fit);
  } catch (error) {
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
  }
}

/** Puts the chosen take to the end of the text, as far as it is marked; the others are kept beside the piece. */
export function useTake(session: Session, onlyOne: boolean): void {
  const { takes, story, book, pager } = session;
  const text = takes.text(onlyOne);
  if (!story || text === "") return;
  const id = newId();
  const others = (takes.list ?? []).map((take) => take.text).filter((other) => other !== "" && other !== text);
  book.beginPiece(id);
  story.insert(story.length(), story.length(), text, id);
  book.endPiece();
  pager.keepAll(id, text, others);
  session.closeTakes();
}
