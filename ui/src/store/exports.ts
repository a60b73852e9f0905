/** The files that a story can be saved as; "own" is Coblyn's, with everything that happened to it. */

export const EXPORTS = ["own", "kobold", "tavern", "markdown", "text", "lorebook", "novelai-lorebook"] as const;
export type Export = (typeof EXPORTS)[number];
