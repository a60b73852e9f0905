/**
 * What was typed and is not acknowledged by the server, kept in this browser: it survives the tab, the browser and the
 * server. A write with relaxed durability is with the operating system when it ends, so that a killed browser does not
 * lose it; a strict one is on the disk, and those behind it wait for that.
 */

import type { Sent } from "../api/stories";

/** One page's operations of one story. */
export interface Waiting {
  author: string;
  story: string;
  /** The version that they were made on. */
  base: number;
  operations: readonly Sent[];
}

export interface Outbox {
  /** Everything that waits, also of pages that are gone. */
  all(): Promise<Waiting[]>;
  /**
   * Keeps what waits in place of what waited; nothing to wait for takes the record out.
   *
   * @param isOnlyCopy Whether the server is away: then only this copy can outlive a power cut.
   */
  keep(waiting: Waiting, isOnlyCopy?: boolean): Promise<void>;
}

const NAME = "coblyn";
const STORE = "outbox";

/** A browser's own storage; null where it keeps nothing for pages. */
export async function openOutbox(factory: IDBFactory | undefined): Promise<Outbox | null> {
  if (!factory) return null;
  try {
    const opening = factory.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: ["story", "author"] });
    return new BrowserOutbox(await done(opening));
  } catch {
    return null; // private windows of some browsers, or a disk that is full
  }
}

class BrowserOutbox implements Outbox {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  async all(): Promise<Waiting[]> {
    const store = this.#database.transaction(STORE).objectStore(STORE);
    return (await done(store.getAll())) as Waiting[];
  }

  async keep(waiting: Waiting, isOnlyCopy = false): Promise<void> {
    const durability = isOnlyCopy ? "strict" : "relaxed";
    const transaction = this.#database.transaction(STORE, "readwrite", { durability });
    const store = transaction.objectStore(STORE);
    if (waiting.operations.length === 0) store.delete([waiting.story, waiting.author]);
    else store.put(waiting);
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("The browser kept nothing."));
    });
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's storage failed."));
  });
}
