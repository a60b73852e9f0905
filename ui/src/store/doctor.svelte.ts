/** A failed build's log, and what the doctor says of it. */

import type { Api } from "../api/client";
import type { Diagnosis } from "../api/types";
import { wordsFor } from "./notices";

export class Doctor {
  diagnosis = $state.raw<Diagnosis | null>(null);
  isReading = $state(false);
  failure = $state("");

  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async read(log: Blob): Promise<void> {
    this.isReading = true;
    this.diagnosis = null;
    this.failure = "";
    try {
      this.diagnosis = await this.#api.explain(log);
    } catch (error) {
      this.failure = wordsFor(error).title;
    }
    this.isReading = false;
  }
}
