/** The modes of a story besides plain prose: turns, the box in which one writes them, and who speaks next. */

import type { Json } from "../api/http";
import { type Dice, readDice, thrown } from "../modes/dice";
import { castOf, type Group, nextSpeaker, type Rule, RULES } from "../modes/next";
import { type Cast, type Mode, modeOf, moved, type Turn, TurnReader, turnsOf } from "../modes/turns";
import { insertion, type Manner } from "../modes/writing";
import { difference } from "../journal/difference";
import { newId } from "../journal/journal.svelte";
import { say } from "../words/words.svelte";
import { writeTakes } from "./beside";
import { cardOf } from "./cards";
import { imageAddress } from "./images";
import type { Session } from "./session.svelte";
import { recall, remember } from "./stored";

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});
const randomSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

export class Modes {
  /** What stands in the box. */
  draft = $state("");
  /** A story with turns is shown as one text. */
  isAsText = $state(false);
  manner = $state<Manner>("do");
  /** The number of the turn that is being edited. */
  editing = $state<number | null>(null);
  /** Under which name the writer speaks in a chat; empty for the usual one. */
  as = $state("");

  /** Where the first turn on screen begins in the text, while turns are shown. */
  inSight: () => number = () => 0;

  /** What follows each piece that the box or a result has asked for. */
  afterPiece: () => Promise<void> = () => Promise.resolve();

  readonly #session: Session;
  readonly #reader = new TurnReader();
  readonly #storage: Storage | null;

  constructor(session: Session, storage: Storage | null) {
    this.#session = session;
    this.#storage = storage;
  }

  get mode(): Mode {
    return modeOf(this.#session.book.places.mode);
  }

  /** Whether turns and a box are shown in place of the one text. */
  get hasTurns(): boolean {
    return this.mode !== "story" && !this.isAsText && this.#session.book.id !== null && !this.#session.book.broken;
  }

  /** Another mode: nothing of the text changes, only how it is shown and sent. */
  choose(mode: Mode): void {
    this.#session.book.put("mode", mode);
    this.isAsText = false;
  }

  get cast(): Cast {
    const { personas, characters, settings } = this.#session.book.places;
    const named = Array.isArray(settings.speakers) ? settings.speakers.map(text) : [];
    const names = Object.values(characters).flatMap((value) => [text(cardOf(value).nickname), text(cardOf(value).name)]);
    return castOf(Object.values(personas).map(({ name }) => text(name)).filter(Boolean), names, named);
  }

  /** The id of the character that speaks under a name; null where nobody does. */
  characterOf(name: string): string | null {
    const { characters } = this.#session.book.places;
    const found = Object.entries(characters).find(([, value]) => [text(cardOf(value).nickname), text(cardOf(value).name)].includes(name));
    return found?.[0] ?? null;
  }

  get group(): Group {
    const { characters, settings } = this.#session.book.places;
    const held = object(settings.chat);
    const cards = Object.values(characters).filter((value) => value.is_absent !== true).map(cardOf);
    const present = cards.map((card) => text(card.nickname) || text(card.name)).filter(Boolean);
    const talk = Object.fromEntries(cards.map((card) => [text(card.nickname) || text(card.name), talkOf(card)]));
    return {
      rule: RULES.find((rule) => rule === held.rule) ?? "mention",
      present: present.length > 0 || Object.keys(characters).length > 0 ? present : this.cast.others,
      talk,
      chosen: text(held.chosen),
      seed: typeof held.seed === "number" ? held.seed : 1,
    };
  }

  setGroup(change: { rule?: Rule; chosen?: string }): void {
    const { settings } = this.#session.book.places;
    this.#session.book.put("settings/chat", { seed: randomSeed(), ...object(settings.chat), ...change });
  }

  get dice(): Dice {
    return readDice(this.#session.book.places.settings.dice, randomSeed);
  }

  setDice(isOn: boolean): void {
    this.#session.book.put("settings/dice", { ...this.dice, isOn });
  }

  turns(): readonly Turn[] {
    return this.#reader.read(this.#session.text, this.mode, this.cast);
  }

  /** Who speaks when the box is sent as it is; empty where that has no meaning. */
  get next(): string {
    return this.mode === "chat" ? this.#nextAfter(this.#session.text, this.draft) : "";
  }

  /** Keeps what is in the box: a reload brings it back. */
  type(words: string): void {
    this.draft = words;
    remember(this.#storage, this.#key, words);
  }

  /** Another story was opened. */
  opened(): void {
    this.draft = text(recall(this.#storage, this.#key));
    this.as = "";
  }

  /** Sends the box; an empty one lets the next turn begin. */
  async send(): Promise<void> {
    if (!(await this.#session.canBegin(true))) return;
    this.#begin();
    let isWhole = await this.#session.generate();
    if (isWhole) await this.afterPiece();
    while (isWhole && this.mode === "chat" && this.group.rule === "once" && nextSpeaker(this.group, this.turns(), this.#session.text)) {
      this.#begin();
      isWhole = await this.#session.generate();
    }
  }

  /** The main verb, in any mode. */
  async generate(): Promise<void> {
    await (this.hasTurns ? this.send() : this.#session.generate());
  }

  async writeTakes(count: number): Promise<void> {
    if (!(await this.#session.canBegin())) return;
    if (this.hasTurns) this.#begin();
    await writeTakes(this.#session, count);
  }

  edit(turn: number | null): void {
    this.editing = turn;
    if (turn === null) this.#session.focus();
  }

  /** The last turn of the writer, as Up in the empty box asks for. */
  editLast(): void {
    const last = this.turns().findLastIndex(({ who }) => who === "user");
    if (last >= 0) this.edit(last);
  }

  /** Puts other words into a turn, as one step; only what differs is changed. */
  save(number: number, words: string): void {
    if (this.editing !== number) return;
    this.editing = null;
    const turn = this.turns()[number];
    if (!turn) return;
    const change = difference(this.#session.text.slice(turn.bodyFrom, turn.bodyTo), words.trim());
    if (change) this.#session.replace(turn.bodyFrom + change.from, turn.bodyFrom + change.to, change.insert);
  }

  /** Takes a turn out of the text; undo brings it back. */
  remove({ from, to }: Turn): void {
    const session = this.#session;
    session.replace(from, to, "");
    const undo = (): void => {
      session.close("turn");
      void session.undo();
    };
    const actions = [{ label: say().undo, run: undo }];
    session.notify({ topic: "turn", tone: "info", title: say().turnRemoved, advice: "", actions });
  }

  /** Results of tools, by the ids of their calls; the model goes on with them. */
  async answer(results: readonly (readonly [string, string])[]): Promise<void> {
    const session = this.#session;
    if (session.generation.isRunning) return;
    const told = results.map(([id, result]) => `<tool_response id="${id}">\n${result.trim()}\n</tool_response>`).join("\n");
    const put = `${session.text.endsWith("\n") ? "" : "\n"}{{[INPUT]}}\n${told}\n{{[OUTPUT]}}\n`;
    session.replace(session.text.length, session.text.length, put);
    if (await session.generate()) await this.afterPiece();
  }

  /** Puts an image beside the text, and its mark into the box. */
  async attach(file: File): Promise<void> {
    try {
      const address = await imageAddress(file);
      const id = newId();
      this.#session.book.put(`settings/image.${id}`, address);
      const name = file.name.replace(/[[\]\n]/g, " ");
      this.type(`${this.draft}${this.draft === "" || this.draft.endsWith("\n") ? "" : "\n"}![${name}](image:${id})\n`);
    } catch {
      this.#session.notify({ topic: "turn", tone: "error", title: say().imageWrong(file.name), advice: say().imageWrongHint });
    }
  }

  /** An image of the story as an address; null for one that it does not have. */
  image(id: string): string | null {
    const value = this.#session.book.places.settings[`image.${id}`];
    return typeof value === "string" && /^data:image\/(png|jpeg|webp|gif);base64,/.test(value) ? value : null;
  }

  /** Puts the box into the text, and opens the turn of the one who speaks then. */
  #begin(): void {
    const session = this.#session;
    const words = this.draft;
    const as = this.as || (this.cast.users[0] ?? "");
    const next = this.mode === "chat" ? this.#nextAfter(session.text, words) || this.#narrator() : "";
    const outcome = this.mode === "adventure" && this.manner === "do" && words.trim() !== "" ? this.#throw() : "";
    const put = insertion(session.text, { mode: this.mode, words, as, next, manner: this.manner, quoted: say().youSay, outcome });
    if (put !== "") session.replace(session.text.length, session.text.length, put);
    this.type("");
  }

  #nextAfter(now: string, words: string): string {
    const as = this.as || (this.cast.users[0] ?? "");
    const turns = [...this.#reader.read(now, this.mode, this.cast)];
    const said = words.trim() === "" ? "" : `${as}: ${words.trim()}`;
    const then = said === "" ? now : `${now}\n${said}`;
    if (said !== "") turns.push(...turnsOf(said, this.mode, this.cast).map((turn) => moved(turn, then.length - said.length)));
    const open = turns.at(-1);
    // A turn that was opened and has no words yet goes first.
    if (open?.who === "model" && open.bodyFrom === open.bodyTo && words.trim() === "") return open.name;
    return nextSpeaker(this.group, turns, then) ?? nextSpeaker({ ...this.group, rule: "turn" }, turns, then) ?? "";
  }

  /** A chat without characters has somebody to talk to all the same. */
  #narrator(): string {
    const name = say().narrator;
    this.#session.book.put("settings/speakers", [name]);
    return name;
  }

  #throw(): string {
    const { dice } = this;
    if (!dice.isOn) return "";
    const { roll, luck, next } = thrown(dice);
    this.#session.book.put("settings/dice", next);
    return say().rolled(roll, say().luck[luck]);
  }

  get #key(): string {
    return `coblyn.draft.${this.#session.book.id ?? ""}`;
  }
}

/** How much a card's character says; as SillyTavern keeps it. */
function talkOf(card: Json): number {
  const value = Number(object(card.extensions).talkativeness ?? 0.5);
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0.5;
}
