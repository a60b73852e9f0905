/** What pages that are gone have left in this browser: sent where the server takes it, told of where it does not. */

import type { Operation, Sent, StoriesApi } from "../api/stories";
import { ApiError } from "../api/types";
import type { Outbox, Waiting } from "./outbox";
import { isGone, whenGone } from "./pages";
import { inParts, movedPast } from "./queue";

/** Milliseconds for which a page that is just going may keep the start of the next one waiting. */
const GOING = 500;

/**
 * Sends what pages that are gone have left; gives what the server will not take however often it is asked. A page that
 * is open sends its words itself, and goes on with them: what it leaves is sent once it is gone.
 */
export async function sendLeft(api: Pick<StoriesApi, "append">, outbox: Outbox, once = whenGone): Promise<Waiting[]> {
  const orphans: Waiting[] = [];
  const authors = new Set((await outbox.all()).map(({ author }) => author));
  const send = async (author: string): Promise<void> => {
    const left = (await outbox.all()).filter((waiting) => waiting.author === author);
    for (const waiting of left) {
      const refused = await refusedOf(api, outbox, waiting);
      if (refused) orphans.push(refused);
    }
  };
  const soon = new Promise((resolve) => setTimeout(resolve, GOING));
  await Promise.all(
    [...authors].map((author) => {
      let isGoing = true;
      const sent = once(author, () => {
        isGoing = false;
        return send(author);
      });
      // What is being sent is waited for: between two parts of it the story is not what was written.
      return Promise.race([sent, soon.then(() => (isGoing ? undefined : sent))]);
    }),
  );
  return orphans;
}

/**
 * What a page that is gone has left of a story, or this page of one that it has closed, and the server has not taken
 * yet; the first where there are several.
 *
 * @param told What was told as belonging nowhere any more.
 */
export async function leftOf(outbox: Outbox, story: string, author: string, told: readonly Waiting[], isOver = isGone): Promise<Waiting | null> {
  for (const waiting of await outbox.all().catch(() => [])) {
    const isTold = told.some((one) => one.story === waiting.story && one.author === waiting.author);
    if (waiting.story !== story || isTold) continue;
    if (waiting.author === author || (await isOver(waiting.author))) return waiting;
  }
  return null;
}

/** Sends it, in as many parts as the server takes; gives what of it cannot be sent at another time either. */
async function refusedOf(api: Pick<StoriesApi, "append">, outbox: Outbox, waiting: Waiting): Promise<Waiting | null> {
  let left = waiting;
  try {
    while (left.operations.length > 0) {
      left = await afterPart(api, left);
      await outbox.keep(left);
    }
    return null;
  } catch (error) {
    // A story that is gone, or words that meet others: both stay as they are. All else is tried again at the next start.
    return error instanceof ApiError && (error.status === 404 || error.status === 409) ? left : null;
  }
}

/** Sends the first part; gives what is left then, in terms of the text behind it. */
async function afterPart(api: Pick<StoriesApi, "append">, waiting: Waiting): Promise<Waiting> {
  const { story, base, author, operations } = waiting;
  const [part, rest] = inParts(operations, (sent) => sent);
  try {
    const { version, since } = await api.append(story, base, author, part);
    const sent = new Set(part.map(({ id }) => id));
    const moved = rest.length > 0 ? movedPast(since, operations).filter(({ id }) => !sent.has(id)) : [];
    return { ...waiting, base: version, operations: moved };
  } catch (error) {
    if (!(error instanceof ApiError && error.type === "already_done")) throw error;
    return { ...waiting, operations: rest };
  }
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
