import { expect, test } from "vitest";

import { Steps } from "./steps.svelte";

/** A story whose caret a step puts to a place. */
function storyAt(at: number): { caret: () => number; put: (to: number) => (moves: boolean) => void } {
  return { caret: () => at, put: (to) => (moves) => void (at = moves ? to : at) };
}

test("the caret goes to each of several steps that were asked for before the first had come", () => {
  const [steps, story] = [new Steps(), storyAt(9)];
  steps.ask(story);
  steps.ask(story);
  steps.follow("undo", story, story.put(5));
  steps.follow("undo", story, story.put(2));
  expect(story.caret()).toBe(2);
});

test("a step leaves the caret where the writer has put it meanwhile", () => {
  const [steps, story] = [new Steps(), storyAt(9)];
  steps.ask(story);
  story.put(20)(true);
  steps.follow("undo", story, story.put(5));
  expect(story.caret()).toBe(20);
});

test("what others do moves nothing, a step of theirs neither", () => {
  const [steps, story] = [new Steps(), storyAt(9)];
  steps.follow("do", story, story.put(5));
  steps.follow("undo", story, story.put(5));
  expect([story.caret(), steps.canRedo]).toEqual([9, true]);
});
