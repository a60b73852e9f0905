/** What is put at the end of a text when the writer sends something, so that the model's turn begins there. Pure. */

import type { Mode } from "./turns";

/** In an adventure: what one does, says, or the story itself. */
export type Manner = "do" | "say" | "story";

export interface Said {
  mode: Mode;
  /** What is in the box; may be empty, then the next turn begins. */
  words: string;
  /** In a chat: under which name it is said, and who speaks then. */
  as: string;
  next: string;
  manner: Manner;
  /** How a line of speech is written down in an adventure. */
  quoted: (words: string) => string;
  /** Stands behind what one does: the throw of the dice. */
  outcome: string;
}

/** What is to be put behind `text`; empty where the model only has to go on. */
export function insertion(text: string, said: Said): string {
  const words = said.words.trim();
  switch (said.mode) {
    case "chat":
      return chat(text, { ...said, words });
    case "instruct":
    case "assistant":
      return marked(text, words);
    case "adventure":
      return adventure(text, { ...said, words });
    default:
      return words;
  }
}

/** The end of a prompt after which the model goes on with the writer's own turn; null where marks would have to close it. */
export function ownTurn(text: string, { mode, words, as, manner, quoted }: Pick<Said, "mode" | "words" | "as" | "manner" | "quoted">): string | null {
  const said = words.trim();
  if (mode === "chat") return `${line(text)}${as}:${said === "" ? "" : ` ${said}`}`;
  if (mode !== "adventure") return null;
  if (manner === "story") return `${line(text)}${said}`;
  const open = manner === "say" ? quoted("\0").split("\0")[0] ?? "" : "";
  return `${line(text)}> ${open}${said}`;
}

/** A line end, unless the text stands at the start of a line. */
const line = (text: string): string => (text === "" || text.endsWith("\n") ? "" : "\n");

function chat(text: string, { words, as, next }: Said): string {
  const open = next === "" ? "" : `${next}:`;
  // A turn that was begun and has no words yet, as undo leaves it: it is not begun twice.
  const begun = open !== "" && (text === open || text.endsWith(`\n${open}`));
  if (words === "") return begun ? "" : `${line(text)}${open}`;
  return `${begun ? "\n" : line(text)}${as}: ${words}\n${open}`;
}

function marked(text: string, words: string): string {
  const output = "{{[OUTPUT]}}\n";
  const isBegun = text.endsWith(output) || text.endsWith(output.trimEnd());
  if (words !== "") return `${line(text)}{{[INPUT]}}\n${words}\n${output}`;
  const lastMark = Math.max(text.lastIndexOf("{{[INPUT]}}"), text.lastIndexOf("{{[SYSTEM]}}"));
  const isUsers = lastMark > text.lastIndexOf("{{[OUTPUT]}}");
  return isUsers && !isBegun ? `${line(text)}${output}` : "";
}

function adventure(text: string, { words, manner, quoted, outcome }: Said): string {
  if (words === "") return "";
  if (manner === "story") return `${line(text)}${words}\n`;
  const one = words.replace(/\s*\n\s*/g, " ");
  return `${line(text)}> ${manner === "say" ? quoted(one) : one}${outcome === "" ? "" : ` ${outcome}`}\n`;
}
