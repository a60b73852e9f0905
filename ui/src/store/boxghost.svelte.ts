/** Words that are offered for the box: what the writer might say next. They are in it once they are accepted. */

import { ownTurn } from "../modes/writing";
import { say } from "../words/words.svelte";
import { newKey } from "./generation.svelte";
import type { Modes } from "./modes.svelte";
import { wordsFor } from "./notices";
import { requestOf } from "./request";
import type { Session } from "./session.svelte";
import { LENGTH } from "./suggest";

export class BoxGhost {
  text = $state("");

  readonly #session: Session;
  readonly #modes: Modes;
  /** Which offer is the newest: an older one that still streams adds nothing. */
  #count = 0;

  constructor(session: Session, modes: Modes) {
    this.#session = session;
    this.#modes = modes;
  }

  /** Whether the mode has a turn of the writer's that the model can go on with. */
  get isPossible(): boolean {
    return this.#opening() !== null;
  }

  /** Asks for a line that goes on with what is in the box. */
  async suggest(): Promise<void> {
    const { generation, sampler, outlook, book } = this.#session;
    const opening = this.#opening();
    if (opening === null || !(await this.#session.canBegin())) return;
    const number = ++this.#count;
    this.text = "";
    this.#session.close("generation");
    generation.prepare();
    try {
      const table = await sampler.ready();
      const sent = await outlook.prepare(null);
      const asked = requestOf({ ...sent, prompt: sent.prompt + opening, messages: [] }, book.places, sampler.settings, table, newKey());
      const { request } = asked;
      request.max_length = Math.min(request.max_length, LENGTH);
      request.stop_sequence.push("\n");
      const append = (text: string): void => {
        if (number === this.#count) this.text += text;
        else generation.stop(); // put away, or typed over
      };
      await generation.run(request, { append, finish: () => undefined }, asked.fit());
    } catch (error) {
      generation.giveUp();
      this.#session.notify({ topic: "generation", tone: "error", ...wordsFor(error) });
      void this.#session.server.check();
    }
    outlook.changed();
  }

  /** Takes a part of what is offered into the box, its beginning. */
  accept(part: (text: string) => string): void {
    const taken = part(this.text);
    const { draft } = this.#modes;
    this.text = this.text.slice(taken.length);
    this.#modes.type(draft === "" ? taken.trimStart() : draft + taken);
  }

  dismiss(): void {
    this.#count += 1;
    this.text = "";
  }

  #opening(): string | null {
    const { mode, draft, manner, cast } = this.#modes;
    const as = this.#modes.as || (cast.users[0] ?? "");
    return ownTurn(this.#session.text, { mode, words: draft, as, manner, quoted: say().youSay });
  }
}
