/** A continuation at the caret that is only offered, at most a paragraph: what of it is accepted is in the story. */

import type { Story } from "../editor/story";
import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { wordsFor } from "./notices";
import { Paragraph } from "./paragraph";
import { receiptOf } from "./receipt";
import { requestOf } from "./request";
import type { Session } from "./session.svelte";
import { say } from "../words/words.svelte";
import { begunNow } from "./writer";

/** The most tokens that are offered. */
export const LENGTH = 80;

export async function suggest(session: Session): Promise<void> {
  const { story, generation } = session;
  // Another one is wanted while it comes.
  if (generation.isOurs && !generation.isPiece && story?.ghost()) await session.settle();
  if (!story || !(await session.canBegin())) return;
  session.suggesting = offer(session, story);
  await session.suggesting;
}

async function offer(session: Session, story: Story): Promise<void> {
  const { generation, sampler, outlook, book } = session;
  const [at, piece] = [story.caret(), newId()];
  session.close("generation");
  story.dismissGhost();
  generation.prepare();
  try {
    const table = await sampler.ready();
    const chosen = begunNow(session);
    const begun = { ...chosen, settings: { ...chosen.settings, maxLength: Math.min(chosen.settings.maxLength, LENGTH) } };
    const sent = await outlook.prepare(at, { ...begun.settings, timers: null });
    const { request, fit } = requestOf(sent, book.places, begun.settings, table, newKey());
    const paragraph = new Paragraph();
    let offered = "";
    const append = (chunk: string): void => {
      const text = paragraph.push(chunk);
      const isWanted = story.offer({ at, text, piece }, offered === ""); // not put away, nor typed over
      offered += text;
      if (!isWanted || paragraph.isWhole) generation.stop();
    };
    const { reason } = await generation.run(request, { append, finish: () => undefined }, fit()).finally(() => {
      // Once: what of it is accepted, and what is put away and kept, are of one piece.
      if (offered.trim() !== "") book.put(`pieces/${piece}`, receiptOf(begun, sent, request, generation.stats));
    });
    if (offered.trim() === "" && reason !== "stopped") session.notify({ topic: "generation", tone: "info", title: say().nothingToAdd, advice: say().nothingToAddHint });
  } catch (error) {
    generation.giveUp();
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
    void session.server.check();
  }
  if (story.ghost()?.text.trim() === "") story.dismissGhost();
  outlook.changed();
}
