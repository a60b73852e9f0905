/** The story that a first visit finds: an ordinary one, to write on in or to throw away. */

import type { Operation } from "../api/stories";
import { say } from "../words/words.svelte";

export function sample(): Operation[] {
  const { sampleTitle: value, sampleText: insert, sampleMemory } = say();
  return [
    { kind: "put", place: "title", value },
    { kind: "put", place: "memory", value: sampleMemory },
    { kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert }] },
  ];
}
