/**
 * Spaces at the end of a prompt. A model's tokens carry their space in front, so a prompt that ends in one has no good
 * continuation. The space stays in the story, is not sent, and the one that the answer brings is left out.
 */

export interface Spacing {
  prompt: string;
  /** The text as it belongs into the story; called with each chunk in turn. */
  fit(chunk: string): string;
}

export function spacing(story: string): Spacing {
  const prompt = story.replace(/ +$/, "");
  // Only spaces, or spaces at the start of a line, may be meant as they are.
  if (prompt === story || prompt === "" || prompt.endsWith("\n")) return { prompt: story, fit: (chunk) => chunk };
  let isStart = true;
  return {
    prompt,
    fit(chunk) {
      if (!isStart || chunk === "") return chunk;
      isStart = false;
      return chunk.startsWith(" ") ? chunk.slice(1) : chunk;
    },
  };
}
