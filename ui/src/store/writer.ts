/** Writes pieces into the story, one at a time, each with what it was made with. */

import type { Json } from "../api/http";
import { Sentences } from "../editor/sentences";
import type { Story } from "../editor/story";
import { newId } from "../journal/journal.svelte";
import { knowsPages } from "../journal/pages";
import { toChangeSet } from "../journal/queue";
import { say } from "../words/words.svelte";
import { ApiError } from "../api/types";
import { GOING, newKey, type Outcome } from "./generation.svelte";
import { isUnknown } from "./listening";
import { lostNotice, nothingNotice, wordsFor } from "./notices";
import { extentOf, type Written } from "./pieces";
import { type Begun, receiptOf, seeded } from "./receipt";
import { requestOf, type Wanted } from "./request";
import { type Claim, forgetRunning, isFound, keepRunning, releaseRunning, restOf, type Running, TAIL, wordsSoFar } from "./running";
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
    generation.prepare(true);
    this.#run = this.#write(story, { place, opening, keepsOn }).finally(() => (this.#isStarting = false));
    return this.#run;
  }

  /** Goes on with a piece whose page is gone. */
  resume(running: Claim | Running): Promise<boolean> {
    const { generation, storage } = this.#session;
    if (generation.isRunning || this.#isStarting) {
      forgetRunning(storage, running); // else other pages would wait for this one
      return Promise.resolve(false);
    }
    this.#isStarting = true;
    generation.prepare(true);
    this.#run = this.#resume(running).finally(() => (this.#isStarting = false));
    return this.#run;
  }

  async #resume(running: Claim | Running): Promise<boolean> {
    const { book, generation, storage } = this.#session;
    const isRead = await this.#readAnew();
    const { story } = this.#session;
    if (isRead && story && isFound(running) && book.id === running.story && book.branch === running.branch) {
      await this.#goOn(running);
      return false;
    }
    // The server may be away for a moment only, and keeps the stream longer.
    if (isRead && isFound(running) && book.broken?.id === running.story) releaseRunning(storage, running);
    else forgetRunning(storage, running);
    generation.giveUp();
    return false;
  }

  /** False where this browser's storage fails: what the other page wrote last may still wait there. */
  async #readAnew(): Promise<boolean> {
    const { book } = this.#session;
    try {
      await book.kept.collect();
      await book.reopen();
      return true;
    } catch {
      return false;
    }
  }

  /** Reads a stream until it has ended, the server has no such stream, or the writer stops it. */
  async #goOn(running: Running): Promise<void> {
    const session = this.#session;
    const { book, generation, pager, storage } = session;
    const { piece, old, receipt } = running;
    book.beginPiece(piece);
    const { story } = session;
    const failure = story ? await this.#read(story, running) : null;
    session.close("generation");
    // What had come is in the text. The server keeps a stream for a while only.
    if (failure) session.notify({ topic: "generation", tone: "error", ...(isUnknown(failure) ? wordsFor(new ApiError("cut", "")) : wordsFor(failure)) });
    forgetRunning(storage, running);
    const { stats } = generation;
    if (stats) book.put(`pieces/${piece}`, { ...receipt, settings: { ...receipt.settings, seed: stats.seed ?? receipt.settings.seed }, stats });
    book.endPiece();
    pager.keep(old, piece);
    session.outlook.changed();
  }

  /** Reads a stream from its beginning; gives why it failed, or null. */
  async #read(story: Story, running: Running): Promise<unknown> {
    const { generation } = this.#session;
    const { piece, place } = running;
    const words = extentOf(story.runs(), piece);
    const goesOn = words ? words.to === story.length() : running.from === story.before(place).length;
    const rest = restOf(wordsSoFar(story.text(), story.runs(), running), running);
    let isOther = !goesOn;
    const hear = (chunk: string): string => {
      const text = isOther ? null : rest(chunk);
      isOther ||= text === null;
      if (isOther) generation.stop();
      return text ?? "";
    };
    let failure: unknown = null;
    try {
      await generation.run(running, story.write(words ? "end" : place, piece), hear, true, { onLink: (isThere) => this.#link(isThere) });
    } catch (error) {
      generation.giveUp();
      failure = error;
    }
    story.applyRemote(toChangeSet([], story.length()), [], false); // the last piece is all of it
    return failure;
  }

  async #write(story: Story, wanted: Wanted): Promise<boolean> {
    const session = this.#session;
    const { book, generation, pager } = session;
    session.close("generation");
    session.said = say().saidGenerating;
    const old = wanted.place === "piece" ? pager.written() : null;
    const id = newId();
    const claim = { story: book.id ?? "", branch: book.branch, author: book.kept.author, genkey: newKey() };
    keepRunning(session.storage, claim);
    book.beginPiece(id);
    if (wanted.opening !== "") story.insert(story.length(), story.length(), wanted.opening, id);
    let isWhole = false;
    try {
      isWhole = await this.#generate(story, id, wanted, claim, old);
      forgetRunning(session.storage, claim);
    } catch (error) {
      setTimeout(() => forgetRunning(session.storage, claim), GOING);
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
  async #generate(story: Story, id: string, { place, opening, keepsOn }: Wanted, claim: Claim, old: Written | null): Promise<boolean> {
    const session = this.#session;
    const { book, generation, outlook, sampler } = session;
    if (!(await session.awaitEngine())) {
      generation.giveUp();
      return false;
    }
    const table = await sampler.ready();
    const begun = { ...begunNow(session), opening, keepsOn };
    const sent = await outlook.prepare(place === "piece" ? (story.piece()?.from ?? null) : null);
    outlook.sent(sent);
    const { request, fit: fitted } = requestOf(sent, book.places, begun.settings, table, claim.genkey, session.numAlternatives);
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
    const from = story.before(place).length - opening.length;
    const onBegun = (stream: string): void => {
      if (stream === "") return;
      const found = { stream, genkey: claim.genkey, max_length: request.max_length, isConversation: request.messages !== undefined };
      const receipt = receiptOf(begun, sent, request, null);
      keepRunning(session.storage, { ...claim, ...found, piece: id, place, from, old, tail: sent.prompt.slice(-TAIL), receipt });
    };
    const { reason, wrote } = await generation.run(request, story.write(place, id), hear, knowsPages(), { onBegun, onLink: (isThere) => this.#link(isThere) }).finally(() => {
      session.heard = sentences.end() || session.heard;
      if (hasWritten) book.put(`pieces/${id}`, receiptOf(begun, sent, request, generation.stats));
    });
    if (sent.lore.timers) book.put("settings/lore.timers", sent.lore.timers);
    this.#say({ reason, wrote });
    return wrote && reason !== "stopped" && reason !== "error";
  }

  /** The connection broke, or is there again: the piece goes on by itself. */
  #link(isThere: boolean): void {
    if (isThere) this.#session.close("generation");
    else this.#session.notify(lostNotice());
    void this.#session.server.check();
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
