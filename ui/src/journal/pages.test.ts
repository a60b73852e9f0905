import { afterEach, expect, test, vi } from "vitest";

import { isGone, knowsPages, whenGone } from "./pages";

afterEach(() => vi.unstubAllGlobals());

/** As the browser's: one holder a name, who may be asked for without waiting. */
function locksHeldBy(...authors: string[]): Pick<LockManager, "request"> {
  const held = new Set(authors.map((author) => `coblyn-page-${author}`));
  const request = (name: string, ...rest: [LockGrantedCallback<unknown>] | [LockOptions, LockGrantedCallback<unknown>]): Promise<unknown> => {
    const [options, act] = rest.length === 1 ? [{}, rest[0]] : rest;
    if (!held.has(name)) return Promise.resolve(act({ name, mode: "exclusive" }));
    return (options as LockOptions).ifAvailable ? Promise.resolve(act(null)) : new Promise(() => undefined);
  };
  return { request } as Pick<LockManager, "request">;
}

test("a page is gone when nobody holds its lock", async () => {
  vi.stubGlobal("navigator", { locks: locksHeldBy("ann") });
  expect([knowsPages(), await isGone("ann"), await isGone("bob")]).toEqual([true, false, true]);
  const done: string[] = [];
  void whenGone("ann", () => Promise.resolve(void done.push("ann")));
  await whenGone("bob", () => Promise.resolve(void done.push("bob")));
  expect(done).toEqual(["bob"]);
});

test("without locks all pages count as gone: what they have left is shown, and sent", async () => {
  vi.stubGlobal("navigator", {});
  expect([knowsPages(), await isGone("ann")]).toEqual([false, true]);
  const done: string[] = [];
  await whenGone("ann", () => Promise.resolve(void done.push("ann")));
  expect(done).toEqual(["ann"]);
});
