/** Which pages are open: each holds a lock of the browser's, which goes with it however it ends. */

/** Says that this page is open, until it is gone. */
export function announce(author: string): void {
  void locks()?.request(nameOf(author), () => new Promise(() => undefined));
}

/** Does something once the page of this author is gone; at once where the browser has no locks. */
export async function whenGone(author: string, act: () => Promise<void>): Promise<void> {
  const found = locks();
  await (found ? found.request(nameOf(author), act) : act());
}

/** Does something once the page of this author is gone, unless the signal comes before; never where the browser has no locks. */
export async function whenGoneBefore(signal: AbortSignal, author: string, act: () => void): Promise<void> {
  await locks()?.request(nameOf(author), { signal }, act).catch(() => undefined);
}

/** Whether it can be known which pages are open. */
export function knowsPages(): boolean {
  return locks() !== undefined;
}

/** Whether the page of this author is gone. Said of all where the browser has no locks: what one has left is better sent twice, and taken once, than never shown. */
export async function isGone(author: string): Promise<boolean> {
  const found = locks();
  return found ? found.request(nameOf(author), { ifAvailable: true }, (lock) => lock !== null) : true;
}

/**
 * Does something that only one page of this browser does at a time, once it is this one's turn; not at all where the
 * signal comes before.
 *
 * @param waits Told where another page does it now.
 */
export async function inTurn(name: string, signal: AbortSignal, act: () => Promise<void>, waits: () => void): Promise<void> {
  const found = locks();
  const hasTurn = await found?.request(name, { ifAvailable: true }, async (lock) => {
    if (lock && !signal.aborted) await act();
    return lock !== null;
  });
  if (hasTurn || signal.aborted) return;
  waits();
  await found?.request(name, { signal }, act).catch(() => undefined);
}

const nameOf = (author: string): string => `coblyn-page-${author}`;

/** Pages without encryption from other machines have none, whatever the types say. */
function locks(): LockManager | undefined {
  return (globalThis.navigator as Navigator | undefined)?.locks as LockManager | undefined;
}
