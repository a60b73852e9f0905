/** A continuation at the caret that is only offered, at most a paragraph: what of it is accepted is in the story. */

import { newId } from "../journal/journal.svelte";
import { newKey } from "./generation.svelte";
import { wordsFor } from "./notices";
import { requestOf } from "./request";
import type { Session } from "./session.svelte";
import { say } from "../words/words.svelte";

/** The most tokens that are offered. */
export const LENGTH = 80;

export async function suggest(session: Session): Promise<void> {
  const { story, generation, sampler, outlook, book } = session;
  if (!story || generation.isRunning) return;
  const [at, piece] = [story.caret(), newId()];
  session.close("generation");
  story.dismissGhost();
  generation.prepare();
  try {
    const table = await sampler.ready();
    const sent = await outlook.prepare(at);
    const { request, fit } = requestOf(sent, book.places, sampler.settings, table, newKey());
    request.max_length = Math.min(request.max_length, LENGTH);
    request.stop_sequence.push("\n");
    let isFirst = true;
    const append = (text: string): void => {
      if (!story.offer({ at, text, piece }, isFirst)) generation.stop(); // put away, or typed over
      isFirst = false;
    };
    const { wrote, reason } = await generation.run(request, { append, finish: () => undefined }, fit());
    if (!wrote && reason !== "stopped") session.notify({ topic: "generation", tone: "info", title: say().nothingToAdd, advice: say().nothingToAddHint });
  } catch (error) {
    generation.giveUp();
    session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
  }
  if (story.ghost()?.text === "") story.dismissGhost();
  outlook.changed();
}
