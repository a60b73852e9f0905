/** Several takes of the next piece beside each other, of which the writer uses one or a part. */

import type { Context } from "../api/types";
import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { wordsFor } from "./notices";
import { extentOf, slotOf } from "./pieces";
import { type Begun, receiptOf } from "./receipt";
import { requestOf } from "./request";
import type { Session } from "./session.svelte";
import type { Order } from "./takes.svelte";
import { begunNow } from "./writer";

export async function writeTakes(session: Session, count: number): Promise<void> {
  const { takes, sampler, outlook, book } = session;
  if (!session.story || !(await session.canBegin())) return;
  session.close("generation");
  try {
    const table = await sampler.ready();
    const begun = begunNow(session);
    const sent = await outlook.prepare(null);
    outlook.sent(sent);
    const { request, fit } = requestOf(sent, book.places, begun.settings, table, newKey(), session.numAlternatives);
    await takes.write({ count, request, fit, ...keeping(session, newId(), begun, sent) });
  } catch (error) {
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
    void session.server.check();
  }
}

/** Keeps takes of a place in the story that is open now: a page that is gone in a moment loses none. */
export function keeping({ book, takes }: Session, slot: string, begun: Begun, sent: Context): Pick<Order, "keep" | "made"> {
  const { id, branch } = book;
  takes.of = `${id ?? ""}/${branch}`;
  return {
    keep({ id: take, piece, text }) {
      if (book.id === id) book.put(`takes/${take}`, { slot, piece, text, branch });
    },
    made({ piece }, request, stats) {
      if (book.id === id) book.put(`pieces/${piece}`, receiptOf(begun, sent, request, stats));
    },
  };
}

/**
 * Puts the chosen take to the end of the text, or in the place of the piece that was run again, as far as it is marked;
 * all of them are kept beside the piece.
 */
export function useTake(session: Session, onlyOne: boolean): void {
  const { takes, story, book } = session;
  const [text, take] = [takes.text(onlyOne), takes.list?.[takes.chosen]];
  if (!story || !take || text === "") return;
  const end = { from: story.length(), to: story.length() };
  const place = takes.old ? extentOf(story.runs(), takes.old.piece) : end;
  if (!place || take.piece === takes.old?.piece) return session.closeTakes();
  const id = text === take.text && !take.isWriting ? take.piece : newId();
  book.beginPiece(id);
  story.insert(place.from, place.to, text, id);
  story.addChances(takes.tokens(text));
  book.endPiece();
  if (id !== take.piece) {
    book.put(`takes/${newId()}`, { slot: slotOf(book.places.takes, take.piece), piece: id, text });
    const receipt = book.places.pieces[take.piece];
    if (receipt) book.put(`pieces/${id}`, receipt);
  }
  session.closeTakes();
}
