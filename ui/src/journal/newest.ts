/** Does something once more where it was asked for meanwhile, and never twice at once. */
export class Newest {
  readonly #act: () => Promise<void>;
  #isOutdated = false;
  #doing: Promise<void> | null = null;

  constructor(act: () => Promise<void>) {
    this.#act = act;
  }

  /** Done when nothing is newer than what was done. */
  ask(): Promise<void> {
    this.#isOutdated = true;
    this.#doing ??= this.#do();
    return this.#doing;
  }

  async #do(): Promise<void> {
    while (this.#isOutdated) {
      this.#isOutdated = false;
      await this.#act().catch(() => undefined);
    }
    this.#doing = null;
  }
}
