/** What the server says of an import, part by part. Pure. */

export interface ReportLine {
  fate: "understood" | "kept" | "dropped" | "notes";
  what: string;
  note: string;
}

const FATES = ["understood", "kept", "dropped", "notes"] as const;
const string = (value: unknown): string => (typeof value === "string" ? value : "");

/** The lines of a report, whatever of it there is. */
export function linesOf(report: unknown): ReportLine[] {
  const said = object(report);
  return FATES.flatMap((fate) => {
    const lines = said[fate];
    return Array.isArray(lines) ? lines.map((line: unknown) => lineOf(fate, line)) : [];
  });
}

function lineOf(fate: ReportLine["fate"], line: unknown): ReportLine {
  if (typeof line === "string") return { fate, what: line, note: "" };
  const { what, note } = object(line);
  return { fate, what: string(what), note: string(note) };
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
