/** The smallest single replacement that turns one text into another, or null when they are the same. */
export function difference(old: string, text: string): { from: number; to: number; insert: string } | null {
  if (old === text) return null;
  const shorter = Math.min(old.length, text.length);
  let from = 0;
  while (from < shorter && old.charCodeAt(from) === text.charCodeAt(from)) from++;
  let tail = 0;
  while (tail < shorter - from && old.charCodeAt(old.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail))
    tail++;
  return { from, to: old.length - tail, insert: text.slice(from, text.length - tail) };
}
