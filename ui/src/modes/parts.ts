/** What a turn consists of besides its words: reasoning, calls of tools, their results, images. Pure; as `story/parts.py` has it. */

export type Part =
  | { kind: "text"; text: string }
  | { kind: "thought"; text: string; isOpen: boolean }
  | { kind: "call"; id: string; name: string; arguments: string }
  | { kind: "result"; id: string; text: string }
  | { kind: "image"; id: string; name: string };

const TAG = /<think>([^]*?)(<\/think>|$)|<tool_call>([^]*?)<\/tool_call>|<tool_response(?: id="([^"]*)")?>([^]*?)<\/tool_response>|!\[([^\]\n]*)\]\(image:([\w.:-]+)\)/g;

export function partsOf(body: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const found of body.matchAll(TAG)) {
    const part = read(found);
    if (!part) continue;
    say(parts, body.slice(at, found.index));
    parts.push(part);
    at = found.index + found[0].length;
  }
  say(parts, body.slice(at));
  return parts;
}

function say(parts: Part[], text: string): void {
  const said = text.trim();
  if (said !== "") parts.push({ kind: "text", text: said });
}

function read([, thought, end, call, answered = "", result, name = "", image]: RegExpExecArray | RegExpMatchArray): Part | null {
  if (thought !== undefined) return { kind: "thought", text: thought.trim(), isOpen: end === "" };
  if (call !== undefined) return readCall(call);
  if (result !== undefined) return { kind: "result", id: answered, text: result.trim() };
  return image === undefined ? null : { kind: "image", id: image, name };
}

function readCall(source: string): Part | null {
  try {
    const value = JSON.parse(source) as { id?: unknown; name?: unknown; arguments?: unknown } | null;
    if (typeof value?.name !== "string") return null;
    const given = value.arguments ?? {};
    const written = typeof given === "string" ? given : JSON.stringify(given);
    return { kind: "call", id: typeof value.id === "string" ? value.id : "", name: value.name, arguments: written };
  } catch {
    return null; // a model wrote something else there: it stays text
  }
}

/** Calls of the last turn that have no result yet. */
export function unanswered(parts: readonly Part[]): (Part & { kind: "call" })[] {
  const answered = new Set(parts.map((part) => (part.kind === "result" ? part.id : "")));
  return parts.filter((part) => part.kind === "call").filter(({ id }) => !answered.has(id));
}
