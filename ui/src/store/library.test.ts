import { expect, test, vi } from "vitest";
import type { StoriesApi } from "../api/stories";
import { Library } from "./library.svelte";

/** An answer that comes when the test wants. */
function later<T>(): { answer: Promise<T>; give: (value: T) => void } {
  let give: (value: T) => void = () => undefined;
  const answer = new Promise<T>((resolve) => (give = resolve));
  return { answer, give };
}

test("what a search finds after its words are gone is not shown", async () => {
  vi.useFakeTimers();
  const found = later<object[]>();
  const library = new Library({ search: () => found.answer } as unknown as StoriesApi);
  library.search("heron");
  await vi.advanceTimersByTimeAsync(1000);
  library.search("");
  found.give([{ story: "1", title: "The heron", excerpt: "" }]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(library.found).toBeNull();
  vi.useRealTimers();
});

test("an older list never takes the place of a newer one", async () => {
  const lists = [later<object[]>(), later<object[]>(), later<object[]>(), later<object[]>()];
  let asked = 0;
  const library = new Library({ list: () => lists[asked++]?.answer } as unknown as StoriesApi);
  const looks = [library.look(), library.look()];
  lists[2]?.give([{ id: "new" }]);
  lists[3]?.give([]);
  await looks[1];
  lists[0]?.give([{ id: "old" }]);
  lists[1]?.give([]);
  await looks[0];
  expect(library.stories).toEqual([{ id: "new" }]);
});
