/** The first paragraph of a stream. */

export class Paragraph {
  /** Nothing more belongs to it. */
  isWhole = false;

  #hasWords = false;

  /** What of a chunk belongs to it. Where a text ends with a paragraph, its line breaks come before the first word. */
  push(chunk: string): string {
    if (this.isWhole) return "";
    const start = this.#hasWords ? 0 : chunk.search(/\S/);
    if (start < 0) return chunk;
    this.#hasWords = true;
    const end = chunk.indexOf("\n", start);
    this.isWhole = end >= 0;
    return this.isWhole ? chunk.slice(0, end) : chunk;
  }
}
