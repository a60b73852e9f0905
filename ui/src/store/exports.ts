/** The files that a story can be saved as; "own" is Coblyn's, with everything that happened to it. */

export const EXPORTS = ["own", "kobold", "tavern", "markdown", "text", "novelai", "lorebook", "novelai-lorebook", "aidungeon"] as const;
export type Export = (typeof EXPORTS)[number];

/** The files that a character can be saved as. */
export const CARD_EXPORTS = ["card-png", "charx", "card"] as const;
export type CardExport = (typeof CARD_EXPORTS)[number];
