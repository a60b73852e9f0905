import { expect, test } from "vitest";
import type { Listed, Shelf } from "../api/stories";
import { PART, Shelves } from "./shelves.svelte";

/** Many stories, and what was asked of them. */
function many(count: number, name = "s"): { ask: (offset: number, limit: number) => Promise<Listed>; asked: number[] } {
  const asked: number[] = [];
  const ask = (offset: number, limit: number): Promise<Listed> => {
    asked.push(offset);
    const ids = Array.from({ length: Math.max(0, Math.min(limit, count - offset)) }, (_, at) => `${name}${String(offset + at)}`);
    return Promise.resolve({ stories: ids.map((id) => ({ id }) as Shelf), count, numUnread: 0 });
  };
  return { ask, asked };
}

test("only what is on screen is asked for, once", async () => {
  const shelves = new Shelves();
  const { ask, asked } = many(3000);
  await shelves.look(ask, false);
  expect([shelves.count, shelves.at(PART - 1)?.id, shelves.at(PART)]).toEqual([3000, `s${String(PART - 1)}`, undefined]);
  await Promise.all([shelves.show(PART * 20 - 3, PART * 20 + 9), shelves.show(PART * 20 - 2, PART * 20 + 10)]);
  expect(asked).toEqual([0, PART * 19, PART * 20]);
  expect(shelves.at(PART * 20)?.id).toBe(`s${String(PART * 20)}`);
  expect(shelves.indexOf(`s${String(PART * 20)}`)).toBe(PART * 20);
  expect(shelves.indexOf("gone")).toBe(-1);
});

test("a look at the same list reads what is on screen, and forgets the rest", async () => {
  const shelves = new Shelves();
  const old = many(3000, "old");
  await shelves.look(old.ask, false);
  await shelves.show(PART * 3, PART * 3 + 5);
  const fresh = many(2999, "new");
  expect(await shelves.look(fresh.ask, true)).toBe(true);
  expect(fresh.asked).toEqual([PART * 3]);
  expect([shelves.count, shelves.at(0), shelves.at(PART * 3)?.id]).toEqual([2999, undefined, `new${String(PART * 3)}`]);
  await shelves.look(fresh.ask, false);
  expect(shelves.at(0)?.id).toBe("new0");
});

test("a part of a list that is not shown any more is dropped", async () => {
  const shelves = new Shelves();
  let give: (value: Listed) => void = () => undefined;
  const { ask } = many(3000, "old");
  await shelves.look((offset, limit) => (offset === 0 ? ask(offset, limit) : new Promise((resolve) => (give = resolve))), false);
  const late = shelves.show(PART, PART + 1);
  await shelves.look(many(3000, "new").ask, false);
  give({ stories: [{ id: "late" } as Shelf], count: 1, numUnread: 0 });
  await late;
  expect([shelves.at(PART), shelves.count]).toEqual([undefined, 3000]);
});

test("a part of the list that is shown, asked for while another is on its way, does not get into that", async () => {
  const shelves = new Shelves();
  const waiting: ((value: Listed) => void)[] = [];
  const later = (): Promise<Listed> => new Promise((resolve) => waiting.push(resolve));
  const { ask } = many(3000, "old");
  await shelves.look((offset, limit) => (offset === 0 ? ask(offset, limit) : later()), false);
  const other = shelves.look(later, false);
  const late = shelves.show(PART, PART + 1);
  waiting[0]?.({ stories: [{ id: "new" } as Shelf], count: 1, numUnread: 0 });
  await other;
  waiting[1]?.({ stories: [{ id: "late" } as Shelf], count: 3000, numUnread: 0 });
  await late;
  expect([shelves.at(0)?.id, shelves.at(PART), shelves.count]).toEqual(["new", undefined, 1]);
});

test("a part that did not come is asked for again", async () => {
  const shelves = new Shelves();
  const { ask, asked } = many(3000);
  let isAway = false;
  await shelves.look((offset, limit) => (isAway ? Promise.reject(new Error("away")) : ask(offset, limit)), false);
  isAway = true;
  await expect(shelves.show(PART, PART + 1)).rejects.toThrow("away");
  isAway = false;
  await shelves.show(PART, PART + 1);
  expect(asked).toEqual([0, PART]);
});
