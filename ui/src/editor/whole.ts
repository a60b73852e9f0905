/**
 * Changes that cut no character. An editor compares texts unit by unit, and two emoji often differ in their second unit
 * alone; the journal, whose words are UTF-8, knows whole characters. Pure.
 */

import { ChangeSet, type Text } from "@codemirror/state";

interface Span {
  from: number;
  to: number;
  fromB: number;
  toB: number;
}

/** The same change of the same text, made wider by a unit where it begins or ends within a surrogate pair. */
export function whole(changes: ChangeSet, before: Text, after: Text): ChangeSet {
  const spans: Span[] = [];
  let isCut = false;
  changes.iterChanges((from, to, fromB, toB) => {
    const head = isWithin(before, from) || isWithin(after, fromB) ? 1 : 0;
    const tail = isWithin(before, to) || isWithin(after, toB) ? 1 : 0;
    isCut ||= head + tail > 0;
    const last = spans.at(-1);
    if (last && from - head < last.to) [last.to, last.toB] = [to + tail, toB + tail];
    else spans.push({ from: from - head, to: to + tail, fromB: fromB - head, toB: toB + tail });
  });
  if (!isCut) return changes;
  const specs = spans.map(({ from, to, fromB, toB }) => ({ from, to, insert: after.slice(fromB, toB) }));
  return ChangeSet.of(specs, before.length);
}

function isWithin(text: Text, at: number): boolean {
  return at > 0 && at < text.length && /[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.sliceString(at - 1, at + 1));
}
