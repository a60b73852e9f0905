/** Several takes of the next piece beside each other, of which the writer uses one or a part. */

import type { Context } from "../api/types";
import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { lostNotice, wordsFor } from "./notices";
import { extentOf, slotOf, type Written } from "./pieces";
import { type Begun, receiptOf } from "./receipt";
import { type Asked, requestOf } from "./request";
import { TAIL } from "./running";
import { keepTakes, type RunningTakes } from "./runningtakes";
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
    const asked = requestOf(sent, book.places, begun.settings, table, newKey(), session.numAlternatives);
    await takes.write(asked.request, count, keeping(session, newId(), begun, sent, asked));
  } catch (error) {
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
    void session.server.check();
  }
}

/** Takes of a place in the story that is open now, in place of the piece that stands there. */
export function keeping(session: Session, slot: string, begun: Begun, sent: Context, { request, fit }: Asked, old: Written | null = null): Order {
  const { story, branch } = { story: session.book.id ?? "", branch: session.book.branch };
  const how = { isConversation: request.messages !== undefined, max_length: request.max_length, tail: sent.prompt.slice(-TAIL) };
  const receipt = receiptOf(begun, sent, request, null);
  return { ...kept(session, { id: newId(), story, branch, slot, old, ...how, receipt }), fit };
}

/** How takes are kept in their story and in this browser: a page that is gone in a moment loses none. */
export function kept(session: Session, running: Omit<RunningTakes, "takes" | "author">): Omit<Order, "fit"> {
  const { book, storage, takes, server } = session;
  const { story, branch, slot, receipt, old } = running;
  takes.of = `${story}/${branch}`;
  return {
    old,
    opening: receipt.opening,
    keep({ id, piece, text }) {
      if (book.id === story) book.put(`takes/${id}`, { slot, piece, text, branch });
    },
    made({ piece }, seed, stats) {
      const settings = { ...receipt.settings, seed: stats?.seed ?? seed };
      if (book.id === story) book.put(`pieces/${piece}`, { ...receipt, settings, stats, time: Date.now() / 1000 });
    },
    running: (now) => keepTakes(storage, { ...running, author: book.kept.author, takes: now }),
    onLink(isThere) {
      if (isThere) session.close("generation");
      else session.notify(lostNotice());
      void server.check();
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
