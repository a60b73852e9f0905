/** What a reader can choose for the page's looks from a few values, as the menu and the palette show it. */

import { LANGUAGES, say } from "../words/words.svelte";
import type { Looks } from "./view.svelte";

export interface Choice {
  key: "theme" | "face" | "authors" | "probabilities" | "announce" | "language";
  label: string;
  options: readonly (readonly [value: string, words: string])[];
}

export function choices(): Choice[] {
  const t = say();
  const languages = Object.entries(LANGUAGES).map(([value, words]) => [value, words.name] as const);
  return [
    { key: "theme", label: t.theme, options: [["system", t.themeSystem], ["light", t.themeLight], ["dark", t.themeDark]] },
    { key: "face", label: t.face, options: [["serif", t.faceSerif], ["sans", t.faceSans]] },
    { key: "authors", label: t.authors, options: [["last", t.authorsLast], ["all", t.authorsAll]] },
    { key: "probabilities", label: t.probabilities, options: [["off", t.off], ["on", t.probabilitiesOn]] },
    { key: "announce", label: t.announce, options: [["sentences", t.announceSentences], ["end", t.announceEnd], ["nothing", t.announceNothing]] },
    { key: "language", label: t.language, options: languages },
  ];
}

/** A choice as a change of the looks. */
export function chosen(key: Choice["key"], value: string): Partial<Looks> {
  return { [key]: value } as Partial<Looks>;
}
