/** Stories on the server: their journal, the library, search. */

import { type Http, isJson, type Json, number, Refusal, text } from "./http";
import { ApiError } from "./types";
import { upload } from "./upload";

/** Text by its sources: so many UTF-16 units from a piece, or "" for the writer's own. */
export type Runs = readonly (readonly [length: number, piece: string])[];

export interface Change {
  from: number;
  to: number;
  insert: string;
  piece?: string;
  runs?: Runs;
}

export type Operation =
  | { kind: "edit"; branch: string; changes: readonly Change[] }
  | { kind: "put"; place: string; value: unknown }
  | { kind: "remove"; place: string }
  | { kind: "branch"; branch: string; parent: string; at?: number; text?: string; runs?: Runs; name?: string }
  | { kind: "select"; branch: string };

export type Sent = Operation & { id: string; unit: string };
export type Recorded = Operation & { version: number; id: string; unit: string; author: string; time: number; role: string };

export interface BranchState {
  text: string;
  runs: Runs;
  name?: string;
  parent?: string;
  at?: number;
}

/** What a story holds besides its texts: each place with its values. */
export interface Places {
  title: string;
  mode: string;
  memory: string;
  note: Json;
  lore: Record<string, Json>;
  characters: Record<string, Json>;
  personas: Record<string, Json>;
  pieces: Record<string, Json>;
  takes: Record<string, Json>;
  settings: Json;
}

export interface StoryState extends Places {
  selected: string;
  branches: Record<string, BranchState>;
  /** What removed places held. */
  trash?: Readonly<Record<string, unknown>>;
}

export interface Possible {
  canUndo: boolean;
  canRedo: boolean;
}

/** A story at a version; of its newest one, the steps back and forth in each branch's text, as `text/BRANCH`. */
export interface Opened {
  version: number;
  state: StoryState;
  steps: Readonly<Record<string, Possible>>;
}

/** A story as the library lists it. */
export interface Shelf {
  id: string;
  title: string;
  mode: string;
  modified: number;
  version: number;
  words: number;
  preview: string;
  /** Where the words stand that the list was asked for. */
  excerpt?: string;
}

/** A part of a list of stories: all of them or those in the trash, with words in the text or in the title. */
export interface Part {
  isTrash?: boolean;
  words?: string;
  title?: string;
  limit: number;
  offset?: number;
}

export interface Listed {
  stories: readonly Shelf[];
  /** How many the whole list has. */
  count: number;
  /** Changed stories in which nothing was searched yet. */
  numUnread: number;
}

export interface Appended {
  version: number;
  operations: readonly Recorded[];
  /** What others appended since the version that ours stood on. */
  since: readonly Recorded[];
}

export interface Stepped extends Appended {
  /** Whether the same could be done once more. */
  hasMore: boolean;
}

/** A story that cannot be read; `readable` is the last version that can. */
export class StoryBroken extends ApiError {
  constructor(
    message: string,
    readonly readable: number | null,
  ) {
    super("story_damaged", message, 500);
  }
}

const STORIES = "api/coblyn/stories";
const LIBRARY = "api/coblyn/library";

export class StoriesApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async list({ isTrash = false, words = "", title = "", limit, offset = 0 }: Part): Promise<Listed> {
    const asked = { ...(isTrash ? { trash: "1" } : {}), ...(words ? { q: words } : {}), ...(title ? { title } : {}) };
    const query = new URLSearchParams({ ...asked, limit: String(limit), offset: String(offset) }).toString();
    const said = await this.#http.ask(`${STORIES}?${query}`);
    const stories = Array.isArray(said.stories) ? (said.stories as Shelf[]) : [];
    return { stories, count: number(said.num_stories) ?? stories.length, numUnread: number(said.num_unread) ?? 0 };
  }

  async create(body: { id?: string; operations?: readonly Sent[]; copy_of?: string; version?: number }): Promise<Shelf> {
    return (await this.#http.ask(STORIES, body)) as unknown as Shelf;
  }

  async get(id: string, version?: number): Promise<Opened> {
    // What an import kept for other programs may be large, and is not shown.
    const query = `?without=kept${version === undefined ? "" : `&version=${String(version)}`}`;
    const said = await this.#http.ask(`${STORIES}/${id}${query}`, undefined, 30).catch((error: unknown) => {
      if (error instanceof Refusal && error.type === "story_damaged")
        throw new StoryBroken(error.message, number(error.body.readable));
      throw error;
    });
    if (!isJson(said.state)) throw new ApiError("unknown", "");
    const steps = Object.entries(isJson(said.steps) ? said.steps : {}).map(([scope, told]) => [scope, possible(told)] as const);
    return { version: number(said.version) ?? 0, state: said.state as unknown as StoryState, steps: Object.fromEntries(steps) };
  }

  /** @throws Refusal With type "conflict", when others have changed the same. */
  async append(id: string, base: number, author: string, operations: readonly Sent[]): Promise<Appended> {
    const said = await this.#http.ask(`${STORIES}/${id}/operations`, { base, author, operations }, 30);
    return appended(said);
  }

  async step(id: string, verb: "undo" | "redo", body: { id: string; scope: string; author: string }): Promise<Stepped> {
    const said = await this.#http.ask(`${STORIES}/${id}/${verb}`, body, 30);
    return { ...appended(said), hasMore: said.has_more === true };
  }

  /** Whether there is a step back and forth in a scope, such as `lore/ID`. */
  async steps(id: string, scope: string): Promise<Possible> {
    return possible(await this.#http.ask(`${STORIES}/${id}/steps?scope=${encodeURIComponent(scope)}`));
  }

  async operations(id: string, after: number, limit = 1000): Promise<Recorded[]> {
    const said = await this.#http.ask(`${STORIES}/${id}/operations?after=${String(after)}&limit=${String(limit)}`);
    return records(said.operations);
  }

  async trash(id: string, verb: "trash" | "restore"): Promise<void> {
    await this.#http.ask(`${STORIES}/${id}/${verb}`, {});
  }

  async emptyTrash(): Promise<void> {
    await this.#http.ask(`${LIBRARY}/empty-trash`, {});
  }

  /** A file becomes a new story, or adds its cards and lore to one. */
  bring(file: File, story: string | null, heard: (sent: number) => void): Promise<Json> {
    const where = story === null ? LIBRARY : `${STORIES}/${story}`;
    return upload(`${where}/import?name=${encodeURIComponent(file.name)}`, file, heard);
  }

  /** What an import would bring; nothing is made of the file. */
  preview(file: File, heard: (sent: number) => void): Promise<Json> {
    return upload(`${LIBRARY}/preview?name=${encodeURIComponent(file.name)}`, file, heard);
  }

  /** @param asked Format, branch, and which card or book, as far as they matter. */
  exportAddress(id: string, asked: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams(asked).toString();
    return `${STORIES}/${id}/export${query === "" ? "" : `?${query}`}`;
  }

  portraitAddress(id: string, character: string): string {
    return `${STORIES}/${id}/portrait?which=${encodeURIComponent(character)}`;
  }

  get backupAddress(): string {
    return `${LIBRARY}/backup`;
  }

  /** Tells of what others append, and how many pages have the story open, until it is closed. */
  watch(id: string, after: number, heard: { operations(records: Recorded[]): void; open(count: number): void }): () => void {
    const source = new EventSource(`${STORIES}/${id}/events?after=${String(after)}`);
    source.addEventListener("operations", (event: MessageEvent<string>) => {
      heard.operations(records((JSON.parse(event.data) as Json).operations));
    });
    source.addEventListener("open", (event) => {
      if (event instanceof MessageEvent) heard.open(number((JSON.parse(text(event.data)) as Json).open) ?? 1);
    });
    return () => source.close();
  }
}

function possible(told: unknown): Possible {
  const { can_undo, can_redo } = isJson(told) ? told : {};
  return { canUndo: can_undo === true, canRedo: can_redo === true };
}

function appended(said: Json): Appended {
  return { version: number(said.version) ?? 0, operations: records(said.operations), since: records(said.since) };
}

/** What a refused batch met: what others appended since the version that it stood on. */
export function sinceOf(error: unknown): Recorded[] {
  return error instanceof Refusal ? records(error.body.since) : [];
}

function records(value: unknown): Recorded[] {
  return Array.isArray(value) ? (value as Recorded[]) : [];
}
