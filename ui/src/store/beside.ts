/** Several takes of the next piece beside each other, of which the writer uses one or a part. */

import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { wordsFor } from "./notices";
import { slotOf } from "./pieces";
import { receiptOf } from "./receipt";
import { requestOf } from "./request";
import type { Session } from "./session.svelte";
import type { Order, Take } from "./takes.svelte";
import { begunNow } from "./writer";

export async function writeTakes(session: Session, count: number): Promise<void> {
  const { generation, takes, sampler, outlook, book } = session;
  if (!session.story || generation.isRunning || takes.isWriting) return;
  session.close("generation");
  try {
    const table = await sampler.ready();
    const begun = begunNow(session);
    const sent = await outlook.prepare(null);
    outlook.sent(sent);
    const { request, fit } = requestOf(sent, book.places, begun.settings, table, newKey(), session.numAlternatives);
    const { id, branch } = book;
    const slot = newId();
    // All of them are in the journal from their first words: a page that is gone in a moment loses none.
    const keep = ({ id: take, piece, text }: Take): void => {
      if (book.id === id) book.put(`takes/${take}`, { slot, piece, text, branch });
    };
    const made: Order["made"] = ({ piece }, request, stats) => {
      if (book.id === id) book.put(`pieces/${piece}`, receiptOf(begun, request, stats));
    };
    takes.of = `${id ?? ""}/${branch}`;
    await takes.write({ count, request, fit, keep, made });
  } catch (error) {
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
  }
}

/** Puts the chosen take to the end of the text, as far as it is marked; all of them are kept beside the piece. */
export function useTake(session: Session, onlyOne: boolean): void {
  const { takes, story, book } = session;
  const [text, take] = [takes.text(onlyOne), takes.list?.[takes.chosen]];
  if (!story || !take || text === "") return;
  const id = text === take.text && !take.isWriting ? take.piece : newId();
  book.beginPiece(id);
  story.insert(story.length(), story.length(), text, id);
  story.addChances(takes.tokens(text));
  book.endPiece();
  if (id !== take.piece) {
    book.put(`takes/${newId()}`, { slot: slotOf(book.places.takes, take.piece), piece: id, text });
    const receipt = book.places.pieces[take.piece];
    if (receipt) book.put(`pieces/${id}`, receipt);
  }
  session.closeTakes();
}
