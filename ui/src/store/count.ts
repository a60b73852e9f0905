/** How long a text is for its reader. Pure. */

const SIGNS = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}`;
const WORDS = new RegExp(`[${SIGNS}]|[^\\s${SIGNS}]+`, "gu");

/** Words; each sign of Chinese and Japanese counts as one, as the server counts them. */
export function numWords(text: string): number {
  return text.match(WORDS)?.length ?? 0;
}

/** The beginning of a text that is at most so long, to the end of a word. */
export function startOf(text: string, max: number): string {
  if (text.length <= max) return text;
  const start = text.slice(0, max);
  const space = start.search(/\s\S*$/);
  return `${space > (2 * max) / 3 ? start.slice(0, space) : start.trimEnd()}…`;
}

/** The end of a text that is at most so long, from the beginning of a word. */
export function endOf(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = text.slice(-max);
  const space = end.search(/\s/);
  return `…${space >= 0 && space < max / 3 ? end.slice(space).trimStart() : end}`;
}

/** The beginning of a story as a reader sees it: without the marks of turns and thoughts. */
export function plainly(text: string): string {
  return text.replace(/\{\{\[\w*\]\}\}|<\/?think>/g, " ").replace(/\s+/g, " ").trim();
}
