/** What differs between two texts, word by word; pure. */

export interface Part {
  kind: "same" | "added" | "removed";
  text: string;
}

/** More words than this on a side are compared by paragraphs, whose number stays small. */
const MOST = 1500;

/** From one text to another. Their common beginning and end cost nothing. */
export function compare(old: string, now: string): Part[] {
  const [a, b] = [cut(old), cut(now)];
  if (a.length <= MOST && b.length <= MOST) return joined(align(a, b));
  return joined(align(old.split(/(?<=\n)/), now.split(/(?<=\n)/)).slice(0, 4 * MOST));
}

/** Words with the space behind them, and each Chinese or Japanese character by itself. */
function cut(text: string): string[] {
  return text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+[^\S\n]*|\n|\s/gu) ?? [];
}

/** The parts of two lists, one each: those of both, and those of one alone. */
export function align(a: readonly string[], b: readonly string[]): Part[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const middle = between(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const same = (words: readonly string[]): Part[] => words.map((text) => ({ kind: "same", text }));
  return [...same(a.slice(0, start)), ...middle, ...same(a.slice(a.length - end))];
}

/** The longest common subsequence, by its table of lengths. */
function between(a: readonly string[], b: readonly string[]): Part[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const parts: Part[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) [parts[parts.length], i, j] = [{ kind: "same", text: a[i] ?? "" }, i + 1, j + 1];
    else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) parts.push({ kind: "removed", text: a[i++] ?? "" });
    else parts.push({ kind: "added", text: b[j++] ?? "" });
  }
  return parts;
}

function joined(parts: readonly Part[]): Part[] {
  const all: Part[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (last?.kind === part.kind) last.text += part.text;
    else all.push({ ...part });
  }
  return all;
}
