/** The branches of a story: which there are, how they leave each other, and how two of them differ. */

import type { BranchState, StoryState } from "../api/stories";
import { compare, type Part } from "../journal/words";

/** Characters of the common beginning that are shown before the first difference. */
const BEFORE = 200;

export type Branches = Readonly<Record<string, BranchState>>;

export interface Row {
  id: string;
  branch: BranchState;
  depth: number;
}

/** The branches that are not in the trash; the text of those is kept, and the one that is written on stays. */
export function branchesOf({ branches, trash = {}, selected }: Pick<StoryState, "branches" | "trash" | "selected">): Branches {
  return Object.fromEntries(Object.entries(branches).filter(([id]) => id === selected || !(`branch/${id}` in trash)));
}

/** Depth first, each below the branch that it leaves; at the top where that one is in the trash. */
export function treeOf(branches: Branches): Row[] {
  const parentOf = ({ parent = "" }: BranchState): string => (parent in branches ? parent : "");
  const below = (above: string, depth: number): Row[] =>
    Object.entries(branches)
      .filter(([id, branch]) => parentOf(branch) === above && id !== above)
      .flatMap(([id, branch]) => [{ id, branch, depth }, ...below(id, depth + 1)]);
  return below("", 0);
}

/** What is kept of a branch under another name: all else stays as it is. */
export function renamed({ parent, at }: BranchState, name: string): object {
  return { parent, at, name };
}

/** From the fork of two texts on, since before it they are one. */
export function compareTexts(old: string, now: string): Part[] {
  let fork = 0;
  const shorter = Math.min(old.length, now.length);
  while (fork < shorter && old.charCodeAt(fork) === now.charCodeAt(fork)) fork++;
  const start = old.lastIndexOf("\n", Math.max(0, fork - BEFORE)) + 1;
  return compare(old.slice(start), now.slice(start));
}
