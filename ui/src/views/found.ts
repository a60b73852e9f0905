/** Marks words in what is drawn. Nothing of the page changes for that: the style sheet paints ranges of it. */

/** Parts of a turn that are words of the story. */
const BLOCKS = ".said, .aside, pre";

/** Where a pattern is found in the words of a turn, in order. */
export function rangesIn(turn: Element, pattern: RegExp): Range[] {
  return [...turn.querySelectorAll(BLOCKS)].flatMap((block) => rangesOf(block, pattern));
}

/** Words may go over the ends of text nodes: of tokens with their heat, and of emphasis. */
function rangesOf(block: Element, pattern: RegExp): Range[] {
  const nodes: { node: Node; start: number }[] = [];
  let text = "";
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    nodes.push({ node, start: text.length });
    text += node.nodeValue ?? "";
  }
  return [...text.matchAll(pattern)].flatMap(({ index, 0: { length } }) => {
    const first = nodes.findLast(({ start }) => start <= index);
    const last = nodes.findLast(({ start }) => start < index + length);
    if (!first || !last) return [];
    const range = new Range();
    range.setStart(first.node, index - first.start);
    range.setEnd(last.node, index + length - last.start);
    return [range];
  });
}

/** Paints these in place of those before. A browser that cannot do that shows the hit by its place alone. */
export function paint(ranges: readonly Range[], current: Range | null): void {
  if (!("highlights" in CSS)) return;
  CSS.highlights.set("found", new Highlight(...ranges));
  CSS.highlights.set("found-now", new Highlight(...(current ? [current] : [])));
}

/** Brings a range in sight, and unfolds what it is in. */
export function reveal(range: Range, scroller: Element): void {
  const folded = range.startContainer.parentElement?.closest("details");
  if (folded) folded.open = true;
  const [place, view] = [range.getBoundingClientRect(), scroller.getBoundingClientRect()];
  if (place.top < view.top || place.bottom > view.bottom) scroller.scrollTop += place.top - view.top - view.height / 3;
}
