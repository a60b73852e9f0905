/** What the server says of an import, part by part. Pure. */

export interface Phrase {
  /** Names what is said, for words in the page's language; empty where the server has only English. */
  code: string;
  values: Readonly<Record<string, string | number>>;
  english: string;
}

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

/**
 * A phrase in the words of a language, or in the server's where it has none for it.
 *
 * @param words By code, with slots such as `{n}`.
 */
export function worded({ code, values, english }: Phrase, words: Readonly<Record<string, string>>, number: (n: number) => string): string {
  const form = words[code];
  if (form === undefined) return english;
  return form.replace(/\{(\w+)\}/g, (slot, name: string) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : (value ?? slot);
  });
}

function lineOf(fate: ReportLine["fate"], { what, what_code, note, note_code }: Record<string, unknown>): ReportLine {
  return { fate, what: phraseOf(what, what_code), note: phraseOf(note, note_code) };
}

function phraseOf(english: unknown, coded: unknown): Phrase {
  const { code, values } = object(coded);
  return { code: string(code), values: object(values) as Phrase["values"], english: string(english) };
}

const string = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
