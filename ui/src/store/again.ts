/** Runs the generation of a piece again: the same request with the same seed, beside the words that stand there. */

import { newId } from "../journal/journal.svelte";
import { keeping } from "./beside";
import { newKey } from "./generation.svelte";
import { wordsFor } from "./notices";
import { extentOf, kept, slotOf, type Written } from "./pieces";
import { digestOf, newSeed, readReceipt, type Receipt } from "./receipt";
import { type Asked, requestOf } from "./request";
import type { Session } from "./session.svelte";
import type { Context } from "../api/types";

/** Why the words would be others: another model answers, the model would read something else, or nobody knows the seed, or what was read. */
export type Difference = "model" | "read" | "seed" | "unknown";

/** A generation that could be run again. */
export interface Again {
  receipt: Receipt;
  old: Written;
  sent: Context;
  asked: Asked;
  /** null where the same words come. */
  difference: Difference | null;
}

/**
 * What running a piece again would be.
 *
 * @returns null where nothing is known of the piece, or none of it is left in the text.
 * @throws ApiError The context cannot be put together.
 */
export async function lookAgain(session: Session, piece: string): Promise<Again | null> {
  const { book, outlook, sampler, story } = session;
  const receipt = readReceipt(book.places.pieces[piece]);
  const place = story && extentOf(story.runs(), piece);
  if (!receipt || !place) return null;
  const table = await sampler.ready();
  const { settings, opening, timers } = receipt;
  const sent = await outlook.prepare(place.from + opening.length, { maxLength: settings.maxLength, timers: timers ?? {} });
  const asked = requestOf(sent, book.places, settings, table, newKey(), session.numAlternatives);
  if (receipt.keepsOn) asked.request.ban_eos_token = true;
  const old = { piece, text: story.text().slice(place.from, place.to) };
  const difference = differenceOf(receipt, asked, session.server.health?.model ?? "");
  return { receipt, old, sent, asked, difference };
}

function differenceOf(receipt: Receipt, { request }: Asked, model: string): Difference | null {
  if (receipt.settings.seed < 0) return "seed";
  if (receipt.model !== model) return "model";
  if (receipt.digest === "") return "unknown";
  return receipt.digest === digestOf(request) ? null : "read";
}

/** Writes it again, with its seed or another one; what comes is a take of the same place. */
export async function runAgain(session: Session, { receipt, old, sent, asked, difference }: Again, isOtherSeed: boolean): Promise<void> {
  const { generation, takes, book, server } = session;
  if (!session.story || generation.isRunning || takes.isWriting) return;
  session.close("generation");
  const seed = isOtherSeed || difference === "seed" ? newSeed() : receipt.settings.seed;
  const begun = { ...receipt, settings: { ...receipt.settings, seed }, model: server.health?.model ?? "" };
  const slot = slotOf(book.places.takes, old.piece);
  const [[id, standing]] = kept(book.places.takes, old, old, newId) as [[string, object]];
  book.put(`takes/${id}`, standing);
  try {
    const request = { ...asked.request, sampler_seed: seed };
    await takes.write(request, 1, keeping(session, slot, begun, sent, { ...asked, request }, old));
  } catch (error) {
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
    void server.check();
  }
}
