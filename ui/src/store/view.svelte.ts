/** How the page looks to this reader: theme, size, measure, face, who wrote what, language. Kept in this browser. */

import { choose, type Language, LANGUAGES, speak } from "../words/words.svelte";
import { recall, remember } from "./stored";

export interface Looks {
  theme: "system" | "light" | "dark";
  /** Of the story's text, in rem. */
  size: number;
  /** Of a line, in rem. */
  measure: number;
  face: "serif" | "sans";
  /** Whose words are told apart: the last piece only, or all of the model's. */
  authors: "last" | "all";
  /** Heat by probability on the model's words, with alternatives. */
  probabilities: "off" | "on";
  announce: "sentences" | "end" | "nothing";
  language: Language;
}

export const SIZES = { min: 1, max: 1.75, step: 0.0625 } as const;
export const MEASURES = { min: 34, max: 48, step: 1 } as const;

/** What browsers paint around the page: `--paper` of each theme. */
const PAPER = { light: "#faf7f0", dark: "#191714" } as const;

const KEY = "coblyn.view";
const CHOICES: Readonly<Partial<Record<keyof Looks, readonly string[]>>> = {
  theme: ["system", "light", "dark"],
  face: ["serif", "sans"],
  authors: ["last", "all"],
  probabilities: ["off", "on"],
  announce: ["sentences", "end", "nothing"],
  language: Object.keys(LANGUAGES),
};

function defaults(languages: readonly string[]): Looks {
  return {
    theme: "system",
    size: 1.1875,
    measure: 40,
    face: "serif",
    authors: "last",
    probabilities: "off",
    announce: "sentences",
    language: choose(languages),
  };
}

/** What was stored, as far as it makes sense. */
export function readLooks(stored: unknown, languages: readonly string[]): Looks {
  const looks = defaults(languages);
  if (typeof stored !== "object" || stored === null) return looks;
  const given = stored as Record<string, unknown>;
  const sane = Object.entries(given).filter(([key, value]) => {
    if (key === "size" || key === "measure") {
      const { min, max } = key === "size" ? SIZES : MEASURES;
      return typeof value === "number" && value >= min && value <= max;
    }
    return typeof value === "string" && CHOICES[key as keyof Looks]?.includes(value);
  });
  return { ...looks, ...Object.fromEntries(sane) };
}

export class View {
  looks = $state.raw<Looks>(defaults([]));

  readonly #storage: Storage | null;

  constructor(storage: Storage | null) {
    this.#storage = storage;
    this.looks = readLooks(recall(storage, KEY), navigator.languages);
    this.#show();
  }

  set(change: Partial<Looks>): void {
    this.looks = { ...this.looks, ...change };
    remember(this.#storage, KEY, this.looks);
    this.#show();
  }

  #show(): void {
    const { theme, size, measure, face, authors, language } = this.looks;
    const root = document.documentElement;
    speak(language);
    root.dataset.theme = theme;
    for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name='theme-color']"))
      meta.content = PAPER[theme === "system" ? (meta.media.includes("dark") ? "dark" : "light") : theme];
    root.style.setProperty("--model-tint", authors === "all" ? "var(--tint)" : "transparent");
    root.style.setProperty("--story-face", `var(--${face})`);
    root.style.setProperty("--measure", language === "zh" ? `${measure - 2}rem` : `${measure}rem`);
    root.style.setProperty("--story-scale", String(size / 1.1875));
    root.style.setProperty("--leading", language === "zh" ? "1.85" : "1.68");
  }
}
