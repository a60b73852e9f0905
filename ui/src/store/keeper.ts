/**
 * Keeps the story in this browser, until the journal on the server does.
 *
 * Nothing is ever overwritten that this page has not seen: when another tab has changed the stored story, ours goes
 * beside it and the writer chooses. What cannot be read is put aside, not replaced.
 */

export interface Kept {
  text: string;
  memory: string;
  /** The last generated piece, as offsets into the text. */
  piece: { from: number; to: number } | null;
}

export type Trouble = "no-storage" | "full" | "other-tab";

export interface KeeperEvents {
  /** The story as it is now. */
  read(): Kept;
  /** null: the last save went well. */
  onTrouble(trouble: Trouble | null): void;
  /** Another tab has saved a newer story and nothing here was waiting to be saved. */
  onAdopt(kept: Kept): void;
}

const STORY = "coblyn.story";
const ASIDE = "coblyn.story.aside";
const DELAY = 400;

export class Keeper {
  readonly #storage: Storage | null;
  readonly #events: KeeperEvents;
  /** What is stored as far as this page knows: its own last write, or what it has read. */
  #seen: string | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(storage: Storage | null, events: KeeperEvents) {
    this.#storage = storage;
    this.#events = events;
  }

  load(): Kept | null {
    if (!this.#storage) {
      this.#events.onTrouble("no-storage");
      return null;
    }
    this.#seen = this.#storage.getItem(STORY);
    if (this.#seen === null) return null;
    const kept = parse(this.#seen);
    if (!kept) this.#put(ASIDE, this.#seen);
    return kept;
  }

  /** The story has changed: it is saved soon, also while changes go on and on. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.flush(), DELAY);
  }

  /** Saves what waits to be saved, now. */
  flush(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#save(false);
  }

  /** Another page of this browser has written to the storage. */
  heard(key: string | null): void {
    if (!this.#storage || (key !== STORY && key !== null)) return;
    const stored = this.#storage.getItem(STORY);
    if (stored === this.#seen || stored === null) return;
    if (this.#timer !== null) return this.flush();
    const kept = parse(stored);
    if (!kept) return;
    this.#seen = stored;
    this.#events.onAdopt(kept);
  }

  /** After "other-tab": takes the other tab's story; ours stays aside. */
  takeTheirs(): Kept | null {
    this.#put(ASIDE, JSON.stringify(this.#events.read()));
    this.#seen = this.#storage?.getItem(STORY) ?? null;
    this.#events.onTrouble(null);
    return this.#seen === null ? null : parse(this.#seen);
  }

  /** After "other-tab": keeps ours; the other tab's stays aside. */
  keepOurs(): void {
    const theirs = this.#storage?.getItem(STORY);
    if (theirs) this.#put(ASIDE, theirs);
    this.#save(true);
  }

  /** A story that was put aside, as text. */
  aside(): string | null {
    const stored = this.#storage?.getItem(ASIDE) ?? null;
    return stored === null ? null : (parse(stored)?.text ?? stored);
  }

  forgetAside(): void {
    this.#storage?.removeItem(ASIDE);
  }

  #save(overwrite: boolean): void {
    if (!this.#storage) return this.#events.onTrouble("no-storage");
    const now = JSON.stringify(this.#events.read());
    const stored = this.#storage.getItem(STORY);
    if (stored !== this.#seen && stored !== null && stored !== now && !overwrite) {
      this.#put(ASIDE, now);
      return this.#events.onTrouble("other-tab");
    }
    if (!this.#put(STORY, now)) return;
    this.#seen = now;
    this.#events.onTrouble(null);
  }

  #put(key: string, value: string): boolean {
    try {
      this.#storage?.setItem(key, value);
      return true;
    } catch {
      // Whatever the browser calls it: the text is not saved, and the writer has to know.
      this.#events.onTrouble("full");
      return false;
    }
  }
}

/** The browser's storage, or null where it is forbidden: merely asking for it throws then. */
export function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

function parse(stored: string): Kept | null {
  let value: unknown;
  try {
    value = JSON.parse(stored);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { text, memory, piece } = value as Record<string, unknown>;
  if (typeof text !== "string") return null;
  return { text, memory: typeof memory === "string" ? memory : "", piece: parsePiece(piece) };
}

function parsePiece(value: unknown): Kept["piece"] {
  if (typeof value !== "object" || value === null) return null;
  const { from, to } = value as Record<string, unknown>;
  return Number.isInteger(from) && Number.isInteger(to) ? { from: from as number, to: to as number } : null;
}
