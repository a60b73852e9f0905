/** What the page says when the story cannot be kept, or is open twice. */

import { saveCopy } from "./copy";
import type { Trouble } from "./keeper";
import type { Notice } from "./notices";

export interface Choice {
  theirs(): void;
  ours(): void;
}

export function troubleNotice(trouble: Trouble, text: () => string, choice: Choice): Notice {
  const copy = { label: "Save a copy", run: () => saveCopy(text()) };
  if (trouble === "other-tab") {
    return {
      topic: "tabs",
      tone: "error",
      title: "This story was changed in another tab.",
      advice: "Choose which one to go on with. The other one is put aside, not lost.",
      actions: [{ label: "Keep this one", run: choice.ours }, { label: "Take the other", run: choice.theirs }, copy],
      canClose: false,
    };
  }
  const isFull = trouble === "full";
  return {
    topic: "storage",
    tone: "error",
    title: isFull ? "The story could not be saved: this browser’s storage is full." : "This browser keeps no text for pages.",
    advice: "What you write is lost when this tab closes, unless you save a copy.",
    actions: [copy],
    canClose: false,
  };
}

/** An older story lies aside, from two tabs or from a record that could not be read. */
export function asideNotice(text: string, forget: () => void): Notice {
  return {
    topic: "kept",
    tone: "info",
    title: "Another version of your story was put aside.",
    advice: "It comes from a second tab, or could not be read.",
    actions: [
      { label: "Save it as a file", run: () => saveCopy(text, "story-aside.txt") },
      { label: "Discard it", run: forget },
    ],
    canClose: true,
  };
}
