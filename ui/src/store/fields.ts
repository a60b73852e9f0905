/** The fields of the panels by their names, so that the palette finds them; each with the id of its element. */

import type { Page } from "./page";
import type { Panel } from "./place.svelte";
import { say } from "../words/words.svelte";

export interface Field {
  panel: Panel;
  id: string;
  label: string;
}

type Named = readonly [id: string, label: string];

/** Those that are there now: some belong to one mode, or to a story that has lore. */
export function fieldsOf({ modes, session }: Pick<Page, "modes" | "session">): Field[] {
  const t = say();
  const { mode, hasTurns } = modes;
  const hasLore = Object.keys(session.book.places.lore).length > 0;
  const ofMode: Readonly<Partial<Record<typeof mode, Named>>> = {
    chat: ["your-name", t.yourName],
    adventure: ["dice", t.diceOn],
    instruct: ["template", t.template],
    assistant: ["tools", t.tools],
  };
  const fields: Readonly<Record<Exclude<Panel, "receipt">, readonly Named[]>> = {
    story: [
      ["mode", t.mode],
      ...(ofMode[mode] ? [ofMode[mode]] : []),
      ["memory", t.memory],
      ["note", t.note],
      ["note-depth", t.noteDepth],
      ["stop", t.stopSequences],
      ["banned", t.banned],
    ],
    lore: [
      ["lore-search", t.searchLore],
      ["lore-new", t.newEntry],
      ...(hasLore ? ([["lore-depth", hasTurns ? t.loreDepthTurns : t.loreDepth], ["lore-recursive", t.loreRecursive], ["lore-bench", t.bench]] as const) : []),
    ],
    characters: [["card-import", t.importCard], ["character-new", t.newCharacter], ...(mode === "chat" ? ([["who-is-next", t.whoIsNext]] as const) : [])],
    context: (["next", "last", "changes"] as const).map((tab) => [`lens-${tab}`, t.lensTabs[tab]] as const),
    sampler: [...(session.sampler.presets.length > 0 ? ([["preset", t.preset]] as const) : []), ["changed-only", t.changedOnly], ["defaults", t.defaults]],
    model: [["model-doctor", t.doctor]],
  };
  return Object.entries(fields).flatMap(([panel, named]) => named.map(([id, label]) => ({ panel: panel as Panel, id, label })));
}
