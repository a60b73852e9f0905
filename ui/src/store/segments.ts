/** The letters of origins in the lens. */

import type { SegmentKind } from "../api/types";

export const LETTERS: Readonly<Record<SegmentKind, string>> = {
  template: "T",
  memory: "M",
  lore: "L",
  character: "C",
  persona: "C",
  examples: "E",
  note: "N",
  story: "S",
};
