/** What the page says when the story cannot be kept, or is open twice. */

import { say } from "../words/words.svelte";
import { saveCopy } from "./copy";
import type { Trouble } from "./keeper";
import type { Notice } from "./notices";

export interface Choice {
  theirs(): void;
  ours(): void;
}

export function troubleNotice(trouble: Trouble, text: () => string, choice: Choice): Notice {
  const t = say();
  const copy = { label: t.saveCopy, run: () => saveCopy(text()) };
  if (trouble === "other-tab") {
    return {
      topic: "tabs",
      tone: "error",
      title: t.otherTab,
      advice: t.otherTabHint,
      actions: [{ label: t.keepThis, run: choice.ours }, { label: t.takeOther, run: choice.theirs }, copy],
      canClose: false,
    };
  }
  const isFull = trouble === "full";
  return {
    topic: "storage",
    tone: "error",
    title: isFull ? t.storageFull : t.storageNone,
    advice: t.storageHint,
    actions: [copy],
    canClose: false,
  };
}

/** An older story lies aside, from two tabs or from a record that could not be read. */
export function asideNotice(text: string, forget: () => void): Notice {
  const t = say();
  return {
    topic: "kept",
    tone: "info",
    title: t.aside,
    advice: t.asideHint,
    actions: [
      { label: t.asideSave, run: () => saveCopy(text, "story-aside.txt") },
      { label: t.asideDiscard, run: forget },
    ],
    canClose: true,
  };
}
