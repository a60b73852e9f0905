/** What the server says of an import, part by part. Pure. */

import { Refusal } from "../api/http";
import type { ApiError } from "../api/types";

/** A code with what stands in the slots of its words, which may be coded too. */
interface Coded {
  code: string;
  values: Readonly<Record<string, unknown>>;
}

export interface Phrase extends Coded {
  /** The server's words. Where it has only these, the code is empty. */
  english: string;
}

type Words = Readonly<Record<string, string>>;

export interface ReportLine {
  fate: "understood" | "kept" | "dropped" | "notes";
  what: Phrase;
  note: Phrase;
}

const FATES = ["understood", "kept", "dropped"] as const;
const NOTHING: Phrase = { code: "", values: {}, english: "" };

/** The kind of file that a report is about. */
export function formatOf(report: unknown): Phrase {
  const { format, format_code } = object(report);
  return phraseOf(format, format_code);
}

/** The lines of a report, whatever of it there is. */
export function linesOf(report: unknown): ReportLine[] {
  const said = object(report);
  const lines = FATES.flatMap((fate) => list(said[fate]).map((line) => lineOf(fate, object(line))));
  const codes = list(said.note_codes);
  const notes = list(said.notes).map((note, index) => phraseOf(note, codes[index]));
  return [...lines, ...notes.map((what) => ({ fate: "notes" as const, what, note: NOTHING }))];
}

/** Why the server does not take a file. */
export function refusalOf(error: ApiError): Phrase {
  const { said } = error instanceof Refusal ? object(error.body.error) : {};
  return phraseOf(error.message || String(error.status), said);
}

/**
 * A phrase in the words of a language, or in the server's where it has none for it.
 *
 * @param words By code, with slots such as `{n}`.
 */
export function worded(phrase: Phrase, words: Words, number: (n: number) => string): string {
  return said(phrase, words, number) ?? phrase.english;
}

/** Null where a word is missing, of the phrase or of what stands in it. */
function said({ code, values }: Coded, words: Words, number: (n: number) => string): string | null {
  const form = words[code];
  if (form === undefined) return null;
  const fillings = new Map(Object.entries(values).map(([slot, value]) => [slot, filled(value, words, number)]));
  if ([...fillings.values()].includes(null)) return null;
  return form.replace(/\{(\w+)\}/g, (slot, name: string) => fillings.get(name) ?? slot);
}

function filled(value: unknown, words: Words, number: (n: number) => string): string | null {
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? value : said(codedOf(value), words, number);
}

function lineOf(fate: ReportLine["fate"], { what, what_code, note, note_code }: Record<string, unknown>): ReportLine {
  return { fate, what: phraseOf(what, what_code), note: phraseOf(note, note_code) };
}

function phraseOf(english: unknown, coded: unknown): Phrase {
  return { ...codedOf(coded), english: string(english) };
}

function codedOf(value: unknown): Coded {
  const { code, values } = object(value);
  return { code: string(code), values: object(values) };
}

const string = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
