/** A story's journal as steps in time: any of them can be looked at, and gone on from. */

import type { Recorded, Runs, StoriesApi } from "../api/stories";
import { problemOf } from "./notices";
import { ApiError } from "../api/types";

/** Operations that are read at a time; a story of years has more, and they come when they are asked for. */
const PAGE = 2000;

export type Deed = "typed" | "piece" | "undo" | "redo" | "branch" | "select" | "changed";

/** What one step of undo would take back: all operations of a unit in a row. */
export interface Moment {
  /** The story's version behind it. */
  version: number;
  /** Seconds since 1970. */
  time: number;
  deed: Deed;
  /** Which place beside the text it changed, such as "memory"; else empty. */
  place: string;
}

export class Timeline {
  moments = $state.raw<readonly Moment[]>([]);
  /** The moment that is looked at. */
  at = $state(-1);
  /** The text of the branch that was written on then; null while it is being read. */
  shown = $state.raw<{ version: number; text: string; runs: Runs } | null>(null);
  hasEarlier = $state(false);
  problem = $state("");

  readonly #api: StoriesApi;
  readonly #story: string;
  #from = 0;
  #isReading = false;

  constructor(api: StoriesApi, story: string) {
    this.#api = api;
    this.#story = story;
  }

  /** Reads the newest steps up to a version. */
  async look(version: number): Promise<void> {
    this.#from = Math.max(0, version - PAGE);
    await this.#try(async () => {
      this.moments = momentsOf(await this.#api.operations(this.#story, this.#from, PAGE));
      this.hasEarlier = this.#from > 0;
    });
    this.show(this.moments.length - 1);
  }

  async earlier(): Promise<void> {
    const from = Math.max(0, this.#from - PAGE);
    await this.#try(async () => {
      const older = momentsOf(await this.#api.operations(this.#story, from, this.#from - from));
      this.moments = [...older, ...this.moments];
      this.at += older.length;
      this.#from = from;
      this.hasEarlier = from > 0;
    });
  }

  show(index: number): void {
    this.at = Math.min(Math.max(index, 0), this.moments.length - 1);
    if (!this.#isReading) void this.#read();
  }

  /** One question at a time: while a slider moves, what it passed meanwhile is left out. */
  async #read(): Promise<void> {
    this.#isReading = true;
    await this.#try(async () => {
      for (let wanted = this.moments[this.at]; wanted && wanted.version !== this.shown?.version; wanted = this.moments[this.at]) {
        const { state } = await this.#api.get(this.#story, wanted.version);
        const { text = "", runs = [] } = state.branches[state.selected] ?? {};
        this.shown = { version: wanted.version, text, runs };
      }
    });
    this.#isReading = false;
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem = "";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem = problemOf(error);
    }
  }
}

export function momentsOf(records: readonly Recorded[]): Moment[] {
  const moments: (Moment & { unit: string })[] = [];
  for (const record of records) {
    const last = moments.at(-1);
    const { version, time, unit } = record;
    if (last && isReceipt(record)) {
      moments[moments.length - 1] = { ...last, version, time };
      continue;
    }
    const deed = deedOf(record);
    if (last && last.unit === unit && (record.role === "do") === (last.deed !== "undo" && last.deed !== "redo")) {
      moments[moments.length - 1] = { ...last, version, time, deed: last.deed === "piece" || deed === "piece" ? "piece" : last.deed };
    } else moments.push({ version, time, unit, deed, place: record.kind === "put" || record.kind === "remove" ? placeOf(record.place) : "" });
  }
  return moments;
}

/** What is put beside a piece when it is written says nothing to those who look back. */
const isReceipt = (record: Recorded): boolean =>
  record.role === "do" && record.kind === "put" && /^(pieces|takes)\/|^settings\/lore\.timers$/.test(record.place);

const placeOf = (place: string): string => place.split("/", 1)[0] ?? "";

function deedOf(record: Recorded): Deed {
  if (record.role === "undo" || record.role === "redo") return record.role;
  if (record.kind === "branch" || record.kind === "select") return record.kind;
  if (record.kind !== "edit") return "changed";
  return record.changes.some(({ piece, runs }) => piece || runs?.some(([, source]) => source !== "")) ? "piece" : "typed";
}
