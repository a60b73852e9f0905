/**
 * Where sentences end, in Latin scripts and in Chinese and Japanese, which put no space behind a stop.
 *
 * Not by `Intl.Segmenter`: its rules end no sentence at an ellipsis, end one at "Mr." and before "she asked", and give an
 * opening quote to the sentence before it.
 */

const STOPS = "[.!?…‼⁇⁈⁉؟۔।॥。！？｡．]+";
const CLOSERS = "[\"'”’»)\\]」』）】》〉］｣]*";

/** A run of stops with quotes or brackets and the space behind it; quotes that touch; or the end of a line. */
const CANDIDATE = new RegExp(`(${STOPS})(${CLOSERS})([^\\S\\n]*\\n?)|[」』”](?=[「『“])|[」』]|\\n`, "gu");

/** Stops that end a sentence without a space behind them. */
const WIDE = /[。！？｡．]/u;
const WIDE_LETTER = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}「『（“《〈]/u;

/** What goes on with the sentence: “Who?” she asked; and behind a quote, 「来た。」と. */
const GOES_ON = /[\p{Ll}、，,;；:：]/u;
const QUOTED = /[」』”’"']$/u;
const TITLE = /(?:^|[^\p{L}])(?:Mr|Mrs|Ms|Mx|Dr|Prof|St|Mt|Capt|Col|Gen|Lt|Sgt|Rev|Fr|Mme|Mlle|vs)$/u;
/** The letter of a name, or of U.S. and vitamin C: only a word that no name is tells that a sentence begins behind it. */
const INITIAL = /(?:^|[^\p{L}])[A-HJ-Z]$/u;
const BEGINNING =
  /["“‘'(]*(?:A|All|An|And|As|At|After|Before|But|By|Every|For|From|He|Her|Here|His|How|I|If|In|It|Its|My|No|Nobody|Not|Nothing|Now|On|Once|One|Or|Our|She|So|Some|That|The|Their|Then|There|These|They|This|Those|To|We|What|When|Where|While|Who|Why|With|Yet|You|Your)(?=[^\p{L}\p{N}.])/uy;
const WORD = /[\p{L}\p{N}]/gu;
const SIGN = /\S/gu;
/** More characters than any title has, and the one before it. */
const LONGEST_TITLE = 8;

/** The sentences of a text; together they are the text. Empty lines belong to the sentence behind them. */
export function sentencesOf(text: string): string[] {
  const { whole, rest } = cut(text, false);
  if (rest.trim() !== "" || whole.length === 0) return rest === "" ? whole : [...whole, rest];
  return [...whole.slice(0, -1), (whole.at(-1) ?? "") + rest];
}

export function firstSentence(text: string): string {
  return sentencesOf(text)[0] ?? "";
}

/** Cuts a stream into sentences, for those who hear the text: token by token it could not be followed. */
export class Sentences {
  #rest = "";
  #isQuoted = false;

  /** The sentences that this chunk completes, or an empty string. */
  push(chunk: string): string {
    const { whole, rest, isQuoted } = cut(this.#rest + chunk, this.#isQuoted);
    // Space before a sentence is not heard, and would be looked at again with each chunk. A line's end ends its quotes.
    this.#rest = rest.trimStart();
    this.#isQuoted = isQuoted && !rest.slice(0, rest.length - this.#rest.length).includes("\n");
    return whole.join("").trim();
  }

  /** What is left when nothing more comes. */
  end(): string {
    const rest = this.#rest.trim();
    this.#rest = "";
    return rest;
  }
}

interface Cut {
  whole: string[];
  /** What is behind them, and whether it begins within straight quotes, whose two ends look the same. */
  rest: string;
  isQuoted: boolean;
}

/** Whole sentences: the next character tells that they have ended. */
function cut(text: string, isQuoted: boolean): Cut {
  const whole: string[] = [];
  let begun = beginAt(text, 0);
  let begunQuoted = isQuoted;
  let at = 0;
  for (const found of text.matchAll(CANDIDATE)) {
    const [all, stops = "", closers = ""] = found;
    const behind = found.index + stops.length;
    isQuoted = isQuoted !== isOdd(text.slice(at, behind));
    const closing = closers.slice(0, numClosing(closers, isQuoted));
    // A quote with a space behind it opens nothing.
    const isCut = closing !== closers && /\S$/u.test(all);
    at = isCut ? behind + closing.length : found.index + all.length;
    isQuoted = !all.endsWith("\n") && isQuoted !== isOdd(text.slice(behind, at));
    if (!isEnd(text, begun, at, found)) continue;
    whole.push(text.slice(begun.at, at));
    [begun, begunQuoted] = [beginAt(text, at), isQuoted];
  }
  return { whole, rest: text.slice(begun.at), isQuoted: begunQuoted };
}

/** Where a sentence begins, and where its first word and its first sign are: looked for once, however many stops follow. */
interface Beginning {
  at: number;
  word: number;
  sign: number;
}

const beginAt = (text: string, at: number): Beginning => ({ at, word: firstOf(WORD, text, at), sign: firstOf(SIGN, text, at) });

function firstOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

const isOdd = (text: string): boolean => text.split('"').length % 2 === 0;

/** How many of the marks behind a stop belong to its sentence: a straight quote outside of quotes begins the next one. */
function numClosing(closers: string, isQuoted: boolean): number {
  for (const [index, mark] of [...closers].entries()) {
    if (mark !== '"') continue;
    if (!isQuoted) return index;
    isQuoted = false;
  }
  return closers.length;
}

/** Whether the sentence that began at one place ends at another, behind this candidate. */
function isEnd(text: string, begun: Beginning, end: number, { 0: all, 1: stops = "", 2: closers = "", index }: RegExpExecArray): boolean {
  if (all.endsWith("\n")) return begun.sign < index + stops.length;
  const next = String.fromCodePoint(text.codePointAt(end) ?? 0);
  if (end >= text.length || begun.word >= index || GOES_ON.test(next) || (next === "と" && QUOTED.test(all))) return false;
  if (stops === "") return isSpoken(text.slice(begun.at, index), all, next);
  if (WIDE.test(stops)) return stops !== "．" || !/\p{N}/u.test(next);
  if (/\s$/u.test(all)) return stops !== "." || closers !== "" || !isShortened(text.slice(Math.max(begun.at, index - LONGEST_TITLE), index), text, end);
  return stops.includes("…") && WIDE_LETTER.test(next);
}

/** Whether a full stop stands for what was left out of a word, and the sentence goes on behind it. */
function isShortened(before: string, text: string, behind: number): boolean {
  BEGINNING.lastIndex = behind;
  return TITLE.test(before) || (INITIAL.test(before) && !BEGINNING.test(text));
}

/** Whether a quote without a stop in it is a sentence: another follows, or it began the line and no particle comes. */
function isSpoken(before: string, closer: string, next: string): boolean {
  if (/[「『“]/u.test(next)) return true;
  const opener = closer === "」" ? "「" : "『";
  return before.trimStart().startsWith(opener) && !/[\p{Script=Hiragana}\p{P}\s]/u.test(next);
}
