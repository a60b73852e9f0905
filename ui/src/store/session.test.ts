import { expect, test } from "vitest";

import { Session } from "./session.svelte";

test("nothing is begun where something else has begun while the server was asked", async () => {
  const page = { generation: { isRunning: false }, takes: { isWriting: false }, canAsk: () => Promise.resolve(true) };
  const canBegin = (): Promise<boolean> => Session.prototype.canBegin.call(page as unknown as Session);
  expect(await canBegin()).toBe(true);
  const asked = canBegin();
  page.generation.isRunning = true;
  expect([await asked, await canBegin()]).toEqual([false, false]);
  page.generation.isRunning = false;
  const again = canBegin();
  page.takes.isWriting = true;
  expect(await again).toBe(false);
});
