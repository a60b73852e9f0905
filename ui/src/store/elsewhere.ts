/** Finds what is being written into the text that is shown: by another page, which can be stopped from here, or by one that is gone. */

import { knowsPages, whenGone } from "../journal/pages";
import { type Claim, keepRunning, type Running, runningIn } from "./running";
import type { Session } from "./session.svelte";

/** @param goOn What this page does with a piece whose page is gone. */
export async function findRunning({ book, generation, outlook, storage }: Session, goOn: (running: Claim | Running) => void): Promise<void> {
  const where = { story: book.id ?? "", branch: book.branch };
  const running = runningIn(storage, where);
  if (!knowsPages() || running?.author === book.kept.author) return;
  if (generation.elsewhere !== "" && !running) outlook.changed();
  generation.elsewhere = running?.genkey ?? "";
  if (!running) return;
  // One page takes it over, however many wait; none writes while that is not settled.
  await whenGone(running.author, () => {
    const now = runningIn(storage, where);
    if (now?.author !== running.author || book.id !== where.story || book.branch !== where.branch) return Promise.resolve();
    const mine = { ...now, author: book.kept.author };
    keepRunning(storage, mine);
    generation.elsewhere = "";
    goOn(mine);
    return Promise.resolve();
  });
}
