/** Going back and forth between the takes of the last piece. */

import type { Story } from "../editor/story";
import { newId } from "../journal/journal.svelte";
import type { Book } from "./book.svelte";
import { kept, type KeptTake, slotOf, takesOf, unusedTakes, type Written } from "./pieces";

export class Pager {
  readonly #book: Book;
  readonly #story: () => Story | null;

  constructor(book: Book, story: () => Story | null) {
    this.#book = book;
    this.#story = story;
  }

  /** The last piece, with its words as they are now. */
  written(): Written | null {
    const story = this.#story();
    const piece = story?.piece();
    return story && piece ? { piece: story.pieceId(), text: story.text().slice(piece.from, piece.to) } : null;
  }

  /** After a retry both takes are kept. */
  keep(old: Written | null, id: string): void {
    const now = this.written();
    if (!old || now?.piece !== id) return;
    for (const [take, value] of kept(this.#book.places.takes, old, now, newId)) this.#book.put(`takes/${take}`, value);
  }

  /** The takes of the last piece's place, and which of them stands there. */
  now(): { takes: KeptTake[]; index: number } {
    const piece = this.#story()?.pieceId() ?? "";
    const takes = piece === "" ? [] : takesOf(this.#book.places.takes, piece);
    return { takes, index: takes.findIndex((take) => take.piece === piece) };
  }

  /** Takes of the next piece that were written here and not used. */
  unused(): KeptTake[] {
    const pieces = new Set((this.#story()?.runs() ?? []).map(([, piece]) => piece));
    return unusedTakes(this.#book.places.takes, this.#book.branch, pieces);
  }

  /** To the take before or after the one that stands there; nothing where there is none. */
  step(step: 1 | -1): void {
    const { takes, index } = this.now();
    const take = takes[index + step];
    if (take) this.turnTo(take);
  }

  /** Another take in the place of the last piece, as one step; what was changed in the old one is kept with it. */
  turnTo(take: KeptTake): void {
    const story = this.#story();
    const [piece, old] = [story?.piece(), this.written()];
    if (!story || !piece || !old) return;
    const { takes } = this.#book.places;
    const known = takesOf(takes, old.piece).find((one) => one.piece === old.piece);
    if (known && known.text !== old.text) this.#book.put(`takes/${known.id}`, { slot: slotOf(takes, old.piece), ...old });
    story.insert(piece.from, piece.to, take.text, take.piece);
  }
}
