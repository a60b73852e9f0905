/** What the palette finds besides commands: stories, chapters of the text, and lore. */

import { say } from "../words/words.svelte";
import type { Command } from "./commands";
import type { Page } from "./page";
import { nameOf } from "./sentencesOf";

/** A line that begins with number signs, as Markdown has headings. */
const HEADING = /^#{1,6} +(.+)$/gm;

interface Heading {
  title: string;
  /** Where its line begins. */
  at: number;
}

export function headingsOf(text: string): Heading[] {
  return [...text.matchAll(HEADING)].map((found) => ({ title: (found[1] ?? "").trim(), at: found.index }));
}

export function findsOf(page: Page): Command[] {
  const { library, session, place } = page;
  const t = say();
  const stories = library.stories
    .filter(({ id }) => id !== session.book.id)
    .map(({ id, title }) => ({ id: `story-${id}`, label: `${t.story}: ${title || t.untitled}`, run: () => void session.open(id, null) }));
  const chapters = page.modes.hasTurns ? [] : headingsOf(session.text);
  const headings = chapters.map(({ title, at }) => ({
    id: `heading-${String(at)}`,
    label: `${t.chapter}: ${title}`,
    run: () => session.story?.go(at),
  }));
  const lore = Object.keys(session.book.places.lore).map((id) => ({
    id: `lore-${id}`,
    label: `${t.lore}: ${nameOf(id, session.book.places)}`,
    run: () => {
      place.entry = id;
      if (place.panel !== "lore") place.toggle("lore");
    },
  }));
  return [...headings, ...lore, ...stories];
}
