/** What pages that are gone have left in this browser: sent where the server takes it, told of where it does not. */

import type { Operation, Sent, StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import type { Outbox, Waiting } from "./outbox";

/** Sends what was left; gives what the server will not take however often it is asked. */
export async function sendLeft(api: Pick<StoriesApi, "append">, outbox: Outbox): Promise<Waiting[]> {
  const orphans: Waiting[] = [];
  for (const waiting of await outbox.all()) {
    try {
      await api.append(waiting.story, waiting.base, waiting.author, waiting.operations);
      await outbox.keep({ ...waiting, operations: [] });
    } catch (error) {
      // A story that is gone, or words that meet others: both stay as they are. All else is tried again at the next start.
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) orphans.push(waiting);
    }
  }
  return orphans;
}

/** Words of a story that is gone, or that meet others there: a new story keeps them if the writer wants that. */
export function tellOfLeft(
  orphans: readonly Waiting[],
  outbox: Outbox,
  tell: (words: string, keep: () => void, forget: () => void) => void,
  create: (operations: readonly Operation[]) => Promise<void>,
): void {
  const words = orphans.map(({ operations }) => wordsOf(operations)).filter(Boolean).join("\n\n");
  const forget = (): void => void orphans.forEach((one) => void outbox.keep({ ...one, operations: [] }));
  const keep = async (): Promise<void> => {
    await create([{ kind: "edit", branch: "main", changes: [{ from: 0, to: 0, insert: words }] }]);
    forget();
  };
  if (words !== "") tell(words, () => void keep(), forget);
  else forget();
}

/** The words that were typed, without the story they belong to: what was put behind each other is one stretch, others are paragraphs. */
export function wordsOf(operations: readonly Sent[]): string {
  let words = "";
  let end = -1;
  for (const operation of operations) {
    if (operation.kind !== "edit") continue;
    for (const { from, to, insert } of operation.changes) {
      const isRubbed = insert === "" && to === end && words.length >= to - from;
      if (isRubbed) words = words.slice(0, words.length - (to - from));
      else if (insert !== "") words += (from === end || words === "" ? "" : "\n") + insert;
      end = isRubbed ? from : from + insert.length;
    }
  }
  return words;
}
