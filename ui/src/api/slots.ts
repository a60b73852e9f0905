/**
 * A browser has six connections to a server for all its windows together. Streams take at most four of them, and the
 * next one waits, so that words can be saved and streams be stopped meanwhile.
 */

const SLOTS = ["1", "2", "3", "4"].map((number) => `coblyn-stream-${number}`);

/**
 * A connection for a stream; gives what frees it. It is freed with its page, too.
 *
 * @throws DOMException It was given up while it waited.
 */
export function slot(signal: AbortSignal): Promise<() => void> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks as LockManager | undefined;
  if (!locks) return Promise.resolve(() => undefined);
  const others = new AbortController();
  return new Promise((resolve, reject) => {
    let isTaken = false;
    const take = (): Promise<void> | void => {
      if (isTaken || signal.aborted) return;
      isTaken = true;
      others.abort();
      return new Promise<void>((free) => resolve(free));
    };
    const giveUp = (): void => {
      others.abort();
      reject(signal.reason as DOMException);
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    for (const name of SLOTS) void locks.request(name, { signal: others.signal }, take).catch(() => undefined);
  });
}
