/** A light view of Markdown, as models write it: code, emphasis, headings. The text itself stays as it was typed. Pure. */

export interface Span {
  text: string;
  style: "plain" | "strong" | "em" | "code" | "heading";
}

export type Block = { kind: "code"; text: string } | { kind: "prose"; spans: readonly Span[] };

const FENCE = /^ {0,3}(`{3,}|~{3,})[^\n`]*$/;
/** Longer lines are no prose, and are shown as they are. */
const MAX_LINE = 4000;
const INLINE = /(`+)([^`\n]+)\1(?!`)|\*\*(?=[^\s*])([^\n]*?[^\s*])\*\*|(?<![\w*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![\w*])/g;

/** Blocks of a text; fences that are still open are code up to the end. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let lines: string[] = [];
  let fence = "";
  const close = (): void => {
    const whole = lines.join("\n");
    lines = [];
    if (fence !== "") blocks.push({ kind: "code", text: whole });
    else if (whole.trim() !== "") blocks.push({ kind: "prose", spans: spansOf(whole.replace(/^\n+|\n+$/g, "")) });
  };
  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line)?.[1] ?? "";
    const isEnd = fence !== "" && mark.startsWith(fence) && line.trim() === mark;
    if (isEnd || (fence === "" && mark !== "")) {
      close();
      fence = isEnd ? "" : mark;
    } else lines.push(line);
  }
  close();
  return blocks;
}

function spansOf(text: string): Span[] {
  return merged(
    text.split("\n").flatMap((line, index): Span[] => {
      const before: Span[] = index > 0 ? [{ text: "\n", style: "plain" }] : [];
      if (line.length > MAX_LINE) return [...before, { text: line, style: "plain" }];
      const heading = /^#{1,6} +(.*)$/.exec(line)?.[1];
      return [...before, ...(heading === undefined ? inline(line) : [{ text: heading, style: "heading" } as const])];
    }),
  );
}

function inline(line: string): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const match of line.matchAll(INLINE)) {
    const [whole, , code, strong, em] = match;
    spans.push({ text: line.slice(at, match.index), style: "plain" });
    spans.push(code !== undefined ? { text: code, style: "code" } : strong !== undefined ? { text: strong, style: "strong" } : { text: em ?? "", style: "em" });
    at = match.index + whole.length;
  }
  return [...spans, { text: line.slice(at), style: "plain" }];
}

function merged(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const span of spans) {
    const last = found.at(-1);
    if (span.text === "") continue;
    if (last?.style === "plain" && span.style === "plain") found[found.length - 1] = { text: last.text + span.text, style: "plain" };
    else found.push(span);
  }
  return found;
}
