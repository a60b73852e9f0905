/** Cuts a stream into sentences, for those who hear the text: token by token it could not be followed. */

/** Ends at a stop with its quotes or brackets before a space, or at a line end. */
const END = /[.!?…]["'”’»)\]]*\s|\n/g;

export class Sentences {
  #rest = "";

  /** The sentences that this chunk completes, or an empty string. */
  push(chunk: string): string {
    const text = this.#rest + chunk;
    let end = 0;
    for (const match of text.matchAll(END)) end = match.index + match[0].length;
    this.#rest = text.slice(end);
    return text.slice(0, end).trim();
  }

  /** What is left when nothing more comes. */
  end(): string {
    const rest = this.#rest.trim();
    this.#rest = "";
    return rest;
  }
}
