/** The language of the page, and its words in it. */

import { en, type Words } from "./en";
import { zh } from "./zh";

export type { Words } from "./en";
export type Language = "en" | "zh";

export const LANGUAGES: Readonly<Record<Language, Words>> = { en, zh };

/** The first of the browser's languages that the page has; English where it has none. */
export function choose(wanted: readonly string[]): Language {
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase());
  return known.find((tag): tag is Language => tag in LANGUAGES) ?? "en";
}

let language = $state<Language>("en");

export function speak(wanted: Language): void {
  language = wanted;
  if (typeof document !== "undefined") document.documentElement.lang = wanted;
}

/** For dates: the browser's own variety of the language that is chosen now, such as British English. */
export function locale(): string {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === language) ?? language;
}

/** The words of the language that is chosen now; what shows them follows a change. */
export function say(): Words {
  return LANGUAGES[language];
}
