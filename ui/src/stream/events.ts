/**
 * Server-sent events from a byte stream. Knows the wire format (WHATWG HTML, "Server-sent events") and nothing of
 * what the events mean.
 */

export interface ServerEvent {
  /** The event's type; "message" where the server names none. */
  event: string;
  /** Its data lines, joined by newlines. */
  data: string;
}

/** Yields each event at its blank line. An event that the end of the stream cuts off is dropped, as the format says. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const parser = new Parser();
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    // Whoever stops reading early also ends the request.
    await reader.cancel().catch(() => undefined);
  }
}

class Parser {
  #line = "";
  #event = "";
  #data: string[] = [];
  /** The last character was a carriage return: a line feed right after it belongs to the same line end. */
  #afterReturn = false;

  *push(chunk: string): Generator<ServerEvent, void, undefined> {
    let text = chunk;
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (chunk !== "") this.#afterReturn = chunk.endsWith("\r");
    const lines = text.split(/\r\n|\n|\r/);
    const rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#take(this.#line + line);
      this.#line = "";
      if (event) yield event;
    }
    this.#line += rest;
  }

  #take(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { event: this.#event || "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return isEmpty ? null : event;
  }
}
