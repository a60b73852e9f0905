/** Writes pieces into the story, one at a time, each with what it was made with. */

import type { Json } from "../api/http";
import { Sentences } from "../editor/sentences";
import type { Story } from "../editor/story";
import { newId } from "../journal/journal.svelte";
import { say } from "../words/words.svelte";
import { newKey, type Outcome } from "./generation.svelte";
import { nothingNotice, wordsFor } from "./notices";
import { type Begun, receiptOf, seeded } from "./receipt";
import { requestOf, type Wanted } from "./request";
import type { Session } from "./session.svelte";

export class Writer {
  readonly #session: Session;
  #run: Promise<boolean> = Promise.resolve(true);
  #isStarting = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Nothing is being written any more. */
  get done(): Promise<unknown> {
    return this.#run;
  }

  /** False if nothing was written to its end, also where something is being written already. */
  write(place: Wanted["place"], opening = "", keepsOn = false): Promise<boolean> {
    const { story, generation, takes } = this.#session;
    if (!story || generation.isRunning || takes.isWriting || this.#isStarting) return Promise.resolve(false);
    this.#isStarting = true;
    generation.prepare();
    this.#run = this.#write(story, { place, opening, keepsOn }).finally(() => (this.#isStarting = false));
    return this.#run;
  }

  async #write(story: Story, wanted: Wanted): Promise<boolean> {
    const session = this.#session;
    const { book, generation, pager } = session;
    session.close("generation");
    session.said = say().saidGenerating;
    const old = wanted.place === "piece" ? pager.written() : null;
    const id = newId();
    book.beginPiece(id);
    if (wanted.opening !== "") story.insert(story.length(), story.length(), wanted.opening, id);
    let isWhole = false;
    try {
      isWhole = await this.#generate(story, id, wanted);
    } catch (error) {
      generation.giveUp();
      session.said = "";
      session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
      void session.server.check();
    }
    story.addChances(generation.tokens);
    book.endPiece();
    pager.keep(old, id);
    session.isFollowing = true;
    session.outlook.changed();
    return isWhole;
  }

  /** True if the model came to an end by itself. */
  async #generate(story: Story, id: string, { place, opening, keepsOn }: Wanted): Promise<boolean> {
    const session = this.#session;
    const { book, generation, outlook, sampler } = session;
    const table = await sampler.ready();
    const begun = { ...begunNow(session), opening, keepsOn };
    const sent = await outlook.prepare(place === "piece" ? (story.piece()?.from ?? null) : null);
    outlook.sent(sent);
    const { request, fit: fitted } = requestOf(sent, book.places, begun.settings, table, newKey(), session.numAlternatives);
    if (keepsOn) request.ban_eos_token = true;
    const fit = fitted();
    const sentences = new Sentences();
    let hasWritten = false;
    const hear = (chunk: string): string => {
      const text = fit(chunk);
      hasWritten ||= text !== "";
      session.heard = sentences.push(text) || session.heard;
      return text;
    };
    const { reason, wrote } = await generation.run(request, story.write(place, id), hear).finally(() => {
      session.heard = sentences.end() || session.heard;
      if (hasWritten) book.put(`pieces/${id}`, receiptOf(begun, sent, request, generation.stats));
    });
    if (sent.lore.timers) book.put("settings/lore.timers", sent.lore.timers);
    this.#say({ reason, wrote });
    return wrote && reason !== "stopped" && reason !== "error";
  }

  #say({ reason, wrote }: Outcome): void {
    const session = this.#session;
    session.said = reason === "stopped" ? say().saidStopped : say().saidFinished(session.generation.count);
    if (wrote || reason === "stopped") return;
    session.notify(nothingNotice(() => void session.generate(true)));
  }
}

/** What a generation that begins now is made with. */
export function begunNow({ book, sampler, server }: Session): Begun {
  const { mode, settings } = book.places;
  const timers = settings["lore.timers"];
  return {
    model: server.health?.model ?? "",
    settings: seeded(sampler.settings, mode),
    opening: "",
    keepsOn: false,
    timers: typeof timers === "object" ? (timers as Json | null) : null,
  };
}
