/** What an operation does to everything that stands beside the text. Pure. */

import type { BranchState, Operation, Places } from "../api/stories";

export interface Beside {
  places: Places;
  branches: Readonly<Record<string, BranchState>>;
}

/** A story that holds nothing besides its texts. */
export const NOTHING: Places = {
  title: "",
  mode: "",
  memory: "",
  note: {},
  lore: {},
  characters: {},
  personas: {},
  pieces: {},
  takes: {},
  settings: {},
};

/** Kept beside the text, and in no prompt: a change of it changes no request. */
export function isAside(place: string): boolean {
  return place.startsWith("takes/") || place.startsWith("pieces/");
}

export function withOperation({ places, branches }: Beside, operation: Operation): Beside {
  switch (operation.kind) {
    case "put":
      return operation.place.startsWith("branch/")
        ? { places, branches: withBranch(branches, operation.place.slice("branch/".length), operation.value) }
        : { places: placed(places, operation.place, operation.value), branches };
    case "remove":
      return operation.place.startsWith("branch/")
        ? { places, branches: without(branches, operation.place.slice("branch/".length)) }
        : { places: placed(places, operation.place, undefined), branches };
    case "branch": {
      const { branch, parent, name, at, text = "", runs = [] } = operation;
      const made: BranchState = { text, runs, parent, ...(name ? { name } : {}), ...(at === undefined ? {} : { at }) };
      return { places, branches: { ...branches, [branch]: made } };
    }
    default:
      return { places, branches };
  }
}

/** Many at once, as when a large book comes in or goes again: what they change is copied once, not for each. */
export function withOperations(beside: Beside, operations: readonly Operation[]): Beside {
  const own = new Map<string, Record<string, unknown>>();
  return operations.reduce(({ places, branches }, operation) => {
    const [collection, id] = operation.kind === "put" || operation.kind === "remove" ? split(operation.place) : [""];
    if (id === undefined || collection === "branch") return withOperation({ places, branches }, operation);
    const held = own.get(collection) ?? { ...(places as unknown as Record<string, Record<string, unknown>>)[collection] };
    if (operation.kind === "put") held[id] = operation.value;
    else Reflect.deleteProperty(held, id);
    if (own.has(collection)) return { places, branches };
    own.set(collection, held);
    return { places: { ...places, [collection]: held }, branches };
  }, beside);
}

function withBranch(branches: Beside["branches"], id: string, value: unknown): Beside["branches"] {
  const about = typeof value === "object" && value !== null ? value : {};
  return { ...branches, [id]: { text: "", runs: [], ...branches[id], ...about } };
}

function placed(places: Places, place: string, value: unknown): Places {
  const [collection = "", id] = split(place);
  if (id === undefined) return { ...places, [collection]: value ?? (collection === "note" ? {} : "") };
  const held = (places as unknown as Record<string, Record<string, unknown>>)[collection] ?? {};
  return { ...places, [collection]: value === undefined ? without(held, id) : { ...held, [id]: value } };
}

/** What stands at a place; undefined for nothing. */
export function valueAt(places: Places, place: string): unknown {
  const [collection = "", id] = split(place);
  const held = (places as unknown as Record<string, unknown>)[collection];
  return id === undefined ? held : (held as Record<string, unknown> | undefined)?.[id];
}

function split(place: string): [string, string?] {
  const slash = place.indexOf("/");
  return slash < 0 ? [place] : [place.slice(0, slash), place.slice(slash + 1)];
}

function without<T>(held: Readonly<Record<string, T>>, id: string): Record<string, T> {
  return Object.fromEntries(Object.entries(held).filter(([key]) => key !== id));
}
