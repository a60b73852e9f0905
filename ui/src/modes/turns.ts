/** Turns in the text of a story: who says what. The text stays one text; a turn is a stretch of it. Pure; the server's `story/turns.py` has the same rules. */

export type Mode = "story" | "adventure" | "chat" | "instruct" | "assistant";
export const MODES: readonly Mode[] = ["story", "adventure", "chat", "instruct", "assistant"];

/** A mode as the journal has it; a story has none until somebody chooses. */
export function modeOf(stored: string): Mode {
  return MODES.find((mode) => mode === stored) ?? "story";
}

/** Who speaks in a chat. */
export interface Cast {
  /** Names under which the writer speaks, the usual one first. */
  users: readonly string[];
  /** All others, also those that are silent now. */
  others: readonly string[];
}

/** "text" stands before the first turn, and between the writer's lines of an adventure. */
export type Who = "user" | "model" | "system" | "text";

export interface Turn {
  who: Who;
  /** In a chat the name; else empty. */
  name: string;
  /** The whole turn, with its mark and the line ends behind it. */
  from: number;
  to: number;
  /** What is said, without the mark and without space around it. */
  bodyFrom: number;
  bodyTo: number;
}

const MARK = /\{\{\[(INPUT|OUTPUT|SYSTEM)\]\}\}\n?/y;
const ROLES: Readonly<Record<string, Who>> = { INPUT: "user", OUTPUT: "model", SYSTEM: "system" };

interface Head {
  who: Who;
  name: string;
  /** Characters of the mark. */
  length: number;
}

/** All turns, in order; together they are the text. Only a text of nothing has none. */
export function turnsOf(text: string, mode: Mode, cast: Cast): Turn[] {
  const turns: Turn[] = [];
  let open: { head: Head; from: number } = { head: { who: "text", name: "", length: 0 }, from: 0 };
  const close = (to: number): void => {
    if (to > open.from) turns.push(turn(text, open.head, open.from, to));
  };
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at) + 1 || text.length;
    const head = headOf(text, at, end, mode, cast);
    if (head) {
      close(at);
      open = { head, from: at };
    }
    // A line of the writer's in an adventure is a turn of its own: what follows it is the story's.
    if (mode === "adventure" && head) {
      close(end);
      open = { head: { who: "model", name: "", length: 0 }, from: end };
    }
    at = end;
  }
  close(text.length);
  return turns.filter(({ who, bodyFrom, bodyTo }) => bodyTo > bodyFrom || (who !== "text" && !(mode === "adventure" && who === "model")));
}

/** The same turn in a text that has so many characters more in front of it. */
export function moved({ who, name, from, to, bodyFrom, bodyTo }: Turn, by: number): Turn {
  return { who, name, from: from + by, to: to + by, bodyFrom: bodyFrom + by, bodyTo: bodyTo + by };
}

/** Reads turns, and the same ones only once: every key in the box of a chat asks who speaks next. */
export class TurnReader {
  #last: { text: string; key: string; turns: readonly Turn[] } = { text: "", key: "", turns: [] };

  read(text: string, mode: Mode, cast: Cast): readonly Turn[] {
    const key = JSON.stringify([mode, cast]);
    if (this.#last.text !== text || this.#last.key !== key) this.#last = { text, key, turns: turnsOf(text, mode, cast) };
    return this.#last.turns;
  }
}

function turn(text: string, { who, name, length }: Head, from: number, to: number): Turn {
  let bodyFrom = from + length;
  let bodyTo = to;
  while (bodyFrom < bodyTo && isSpace(text, bodyFrom)) bodyFrom++;
  while (bodyTo > bodyFrom && isSpace(text, bodyTo - 1)) bodyTo--;
  return { who, name, from, to, bodyFrom, bodyTo };
}

const isSpace = (text: string, at: number): boolean => text[at] === " " || text[at] === "\n";

function headOf(text: string, at: number, end: number, mode: Mode, cast: Cast): Head | null {
  if (mode === "chat") {
    const colon = text.slice(at, Math.min(end, at + 200)).indexOf(":");
    const name = colon < 0 ? "" : text.slice(at, at + colon);
    if (name === "") return null;
    if (cast.users.includes(name)) return { who: "user", name, length: colon + 1 };
    return cast.others.includes(name) ? { who: "model", name, length: colon + 1 } : null;
  }
  if (mode === "adventure") return text[at] === ">" ? { who: "user", name: "", length: 1 } : null;
  MARK.lastIndex = at;
  const found = MARK.exec(text);
  return found ? { who: ROLES[found[1] ?? ""] ?? "text", name: "", length: found[0].length } : null;
}
