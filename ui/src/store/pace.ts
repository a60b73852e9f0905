/** How long something still takes, by how fast it went in the last seconds. Pure, but for what it has seen. */

/** Milliseconds that are looked back, and from which on that is a measurement. */
const WINDOW = 8000;
const ENOUGH = 1500;

export class Pace {
  #what = "";
  #seen: { time: number; fraction: number }[] = [];

  /**
   * Takes a look at the clock.
   *
   * @param what What is being done; another thing begins anew.
   * @param fraction Of it that is done, 0 to 1.
   * @param time Milliseconds that only grow.
   * @returns Seconds until it is done; null while that is not known.
   */
  note(what: string, fraction: number, time: number): number | null {
    if (what !== this.#what) this.#seen = [];
    this.#what = what;
    this.#seen.push({ time, fraction });
    this.#seen = this.#seen.filter((each) => time - each.time <= WINDOW);
    const [first] = this.#seen;
    if (!first || time - first.time < ENOUGH || fraction <= first.fraction) return null;
    return ((1 - fraction) / (fraction - first.fraction)) * ((time - first.time) / 1000);
  }
}
