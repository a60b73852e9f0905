import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { type Kept, Keeper, type Trouble } from "./keeper";

class Memory implements Storage {
  readonly items = new Map<string, string>();
  room = Infinity;

  get length(): number {
    return this.items.size;
  }
  clear(): void {
    this.items.clear();
  }
  key(): null {
    return null;
  }
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
  setItem(key: string, value: string): void {
    if (value.length > this.room) throw new DOMException("no room", "QuotaExceededError");
    this.items.set(key, value);
  }
}

/** One tab. */
class Tab {
  story: Kept = { text: "", memory: "", piece: null };
  troubles: (Trouble | null)[] = [];
  adopted: string[] = [];
  keeper: Keeper;

  constructor(storage: Storage | null) {
    this.keeper = new Keeper(storage, {
      read: () => this.story,
      onTrouble: (trouble) => this.troubles.push(trouble),
      onAdopt: (kept) => {
        this.story = kept;
        this.adopted.push(kept.text);
      },
    });
    this.story = this.keeper.load() ?? this.story;
  }

  write(text: string): void {
    this.story = { ...this.story, text };
    this.keeper.changed();
  }
}

const stored = (storage: Storage): string => (JSON.parse(storage.getItem("coblyn.story") ?? "{}") as Kept).text;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a story is saved soon after a change, and comes back", () => {
  const storage = new Memory();
  const tab = new Tab(storage);
  tab.story = { text: "Once", memory: "A mine.", piece: { from: 1, to: 4 } };
  tab.keeper.changed();
  expect(storage.items.size).toBe(0);
  vi.advanceTimersByTime(500);
  expect(new Tab(storage).story).toEqual(tab.story);
});

test("changes that never pause are saved all the same", () => {
  const storage = new Memory();
  const tab = new Tab(storage);
  for (let i = 0; i < 20; i++) {
    tab.write("x".repeat(i));
    vi.advanceTimersByTime(50);
  }
  expect(stored(storage).length).toBeGreaterThan(10);
});

test("leaving the page saves at once", () => {
  const storage = new Memory();
  const tab = new Tab(storage);
  tab.write("last words");
  tab.keeper.flush();
  expect(stored(storage)).toBe("last words");
});

test("a full storage is told, keeps the older text, and is forgotten when there is room again", () => {
  const storage = new Memory();
  const tab = new Tab(storage);
  tab.write("short");
  tab.keeper.flush();
  storage.room = 60;
  tab.write("long ".repeat(50));
  tab.keeper.flush();
  expect(tab.troubles.at(-1)).toBe("full");
  expect(stored(storage)).toBe("short");
  storage.room = Infinity;
  tab.write("long enough");
  tab.keeper.flush();
  expect(tab.troubles.at(-1)).toBe(null);
  expect(stored(storage)).toBe("long enough");
});

test("a browser without storage is told", () => {
  expect(new Tab(null).troubles).toEqual(["no-storage"]);
});

test("a record that cannot be read is put aside, not overwritten", () => {
  const storage = new Memory();
  storage.setItem("coblyn.story", "{torn");
  const tab = new Tab(storage);
  expect(tab.keeper.aside()).toBe("{torn");
  tab.write("new");
  tab.keeper.flush();
  expect(stored(storage)).toBe("new");
  expect(tab.keeper.aside()).toBe("{torn");
  tab.keeper.forgetAside();
  expect(tab.keeper.aside()).toBe(null);
});

test("a tab with nothing to save follows the other one", () => {
  const storage = new Memory();
  const [here, there] = [new Tab(storage), new Tab(storage)];
  there.write("from there");
  there.keeper.flush();
  here.keeper.heard("coblyn.story");
  expect(here.adopted).toEqual(["from there"]);
  here.write("from there and here");
  here.keeper.flush();
  expect(stored(storage)).toBe("from there and here");
  expect(here.troubles.at(-1)).toBe(null);
});

function conflict(): { storage: Memory; here: Tab } {
  const storage = new Memory();
  const [here, there] = [new Tab(storage), new Tab(storage)];
  there.write("theirs");
  here.write("ours");
  there.keeper.flush();
  here.keeper.heard("coblyn.story");
  return { storage, here };
}

test("two tabs that both changed the story: neither text is lost, and the writer is asked", () => {
  const { storage, here } = conflict();
  expect(here.troubles.at(-1)).toBe("other-tab");
  expect(stored(storage)).toBe("theirs");
  expect(here.keeper.aside()).toBe("ours");
});

test("two tabs: keeping ours puts theirs aside", () => {
  const { storage, here } = conflict();
  here.keeper.keepOurs();
  expect(stored(storage)).toBe("ours");
  expect(here.keeper.aside()).toBe("theirs");
  expect(here.troubles.at(-1)).toBe(null);
});

test("two tabs: taking theirs puts ours aside", () => {
  const { here } = conflict();
  expect(here.keeper.takeTheirs()?.text).toBe("theirs");
  expect(here.keeper.aside()).toBe("ours");
  expect(here.troubles.at(-1)).toBe(null);
});
