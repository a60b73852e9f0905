import { ChangeSet, Text } from "@codemirror/state";
import { expect, test } from "vitest";

import type { Operation, Sent, StoryState } from "../api/stories";
import { NOTHING } from "./places";
import { edited, replayed } from "./replay";

const state: StoryState = {
  ...NOTHING,
  selected: "main",
  branches: { main: { text: "A lamp went out.", runs: [[6, ""], [10, "p1"]] } },
};
const sent = (...operations: Operation[]): Sent[] => operations.map((operation, index) => ({ ...operation, id: `o${String(index)}`, unit: "u" }));

test("an edit changes the text and its sources alike", () => {
  const changes = [{ from: 0, to: 1, insert: "The" }, { from: 12, to: 12, insert: "right ", piece: "p2" }, { from: 15, to: 16, insert: "" }];
  expect(edited(state.branches.main ?? { text: "", runs: [] }, changes)).toEqual({
    text: "The lamp went right out",
    runs: [[8, ""], [6, "p1"], [6, "p2"], [3, "p1"]],
  });
});

test("what was kept stands in the story, and waits in the same order", () => {
  const left = sent(
    { kind: "edit", branch: "main", changes: [{ from: 16, to: 16, insert: " Dark." }] },
    { kind: "put", place: "title", value: "The Lamp" },
    { kind: "edit", branch: "main", changes: [{ from: 22, to: 22, insert: " Knocks.", piece: "p2" }] },
    { kind: "branch", branch: "b2", parent: "main", at: 7 },
    { kind: "edit", branch: "b2", changes: [{ from: 7, to: 7, insert: "hung." }] },
    { kind: "select", branch: "b2" },
  );
  const { state: now, entries } = replayed(state, left);
  expect([now.title, now.selected]).toEqual(["The Lamp", "b2"]);
  expect(now.branches.main).toEqual({ text: "A lamp went out. Dark. Knocks.", runs: [[6, ""], [10, "p1"], [6, ""], [8, "p2"]] });
  expect(now.branches.b2).toMatchObject({ parent: "main", text: "A lamp hung.", runs: [[6, ""], [1, "p1"], [5, ""]] });
  expect(entries.map(({ id }) => id)).toEqual(["o0", "o1", "o2", "o3", "o4", "o5"]);
  const edits = entries.flatMap((entry) => (entry.kind === "edit" && entry.branch === "main" ? [entry.changes] : []));
  const text = edits.reduce((doc: Text, changes: ChangeSet) => changes.apply(doc), Text.of(["A lamp went out."]));
  expect(text.toString()).toBe(now.branches.main?.text);
});
