import { expect, test, vi } from "vitest";
import type { Listed, Part, StoriesApi } from "../api/stories";
import { Library } from "./library.svelte";

/** An answer that comes when the test wants. */
function later<T>(): { answer: Promise<T>; give: (value: T) => void } {
  let give: (value: T) => void = () => undefined;
  const answer = new Promise<T>((resolve) => (give = resolve));
  return { answer, give };
}

const NONE: Listed = { stories: [], count: 0, numUnread: 0 };
const listOf = (...ids: string[]): Listed => ({ stories: ids.map((id) => ({ id })) as unknown as Listed["stories"], count: ids.length, numUnread: 0 });

/** A library whose lists the test gives, and one whose trash is empty. */
function libraryOf(list: (part: Part) => Promise<Listed>): Library {
  return new Library({ list: (part: Part) => (part.isTrash ? Promise.resolve(NONE) : list(part)) } as unknown as StoriesApi);
}

test("what a search finds after its words are gone is not shown", async () => {
  vi.useFakeTimers();
  const found = later<Listed>();
  const library = libraryOf(({ words }) => (words === "heron" ? found.answer : Promise.resolve(listOf("all"))));
  library.search("heron");
  await vi.advanceTimersByTimeAsync(1000);
  library.search("");
  await vi.advanceTimersByTimeAsync(1000);
  found.give(listOf("heron"));
  await vi.advanceTimersByTimeAsync(1000);
  expect(library.shelves.at(0)?.id).toBe("all");
  vi.useRealTimers();
});

test("only the last letter of a word searches", async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  const library = libraryOf(({ words = "" }) => (asked.push(words), Promise.resolve(NONE)));
  for (const words of ["h", "he", "her "]) library.search(words);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual(["her"]);
  vi.useRealTimers();
});

test("what was not searched yet is asked for again until it was, or nobody looks", async () => {
  vi.useFakeTimers();
  let left = 3;
  const library = libraryOf(() => Promise.resolve({ ...listOf("a"), numUnread: --left }));
  library.search("lamp");
  await vi.advanceTimersByTimeAsync(5000);
  expect([left, library.shelves.numUnread]).toEqual([0, 0]);
  left = 3;
  library.search("lamp");
  await vi.advanceTimersByTimeAsync(200);
  library.leave();
  await vi.advanceTimersByTimeAsync(5000);
  expect(left).toBe(2);
  vi.useRealTimers();
});

test("an older list never takes the place of a newer one", async () => {
  const lists = [later<Listed>(), later<Listed>()];
  let asked = 0;
  const library = libraryOf(() => lists[asked++]?.answer ?? Promise.resolve(NONE));
  const looks = [library.look(), library.look()];
  lists[1]?.give(listOf("new"));
  await looks[1];
  lists[0]?.give(listOf("old", "older"));
  await looks[0];
  expect([library.shelves.at(0)?.id, library.shelves.count]).toEqual(["new", 1]);
});

test("stories are shown as those of the trash once the trash has come, and as others once they have", async () => {
  const trash = later<Listed>();
  const library = new Library({
    list: ({ isTrash, limit }: Part) => (isTrash && limit !== 1 ? trash.answer : Promise.resolve(listOf(isTrash ? "gone" : "here"))),
  } as unknown as StoriesApi);
  const shown = (): unknown => [library.shelves.at(0)?.id, library.isTrash];
  await library.look(false);
  const turned = library.turn();
  await Promise.resolve();
  expect(shown()).toEqual(["here", false]);
  trash.give(listOf("gone"));
  await turned;
  expect(shown()).toEqual(["gone", true]);
  library.leave();
  expect(shown()).toEqual(["gone", true]);
  await library.look(false);
  expect(shown()).toEqual(["here", false]);
});

test("stories are found by the name that was typed last", async () => {
  const first = later<Listed>();
  const library = libraryOf(({ title }) => (title === "h" ? first.answer : Promise.resolve(listOf("heron"))));
  const early = library.name("h");
  await library.name("heron");
  first.give(listOf("hen", "heron"));
  await early;
  expect(library.named.map(({ id }) => id)).toEqual(["heron"]);
});
