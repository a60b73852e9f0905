/** What the palette finds besides commands: stories, chapters of the text, lore, the fields of panels, the sampler's numbers. */

import { labelOf } from "../words/samplers";
import { say } from "../words/words.svelte";
import type { Command } from "./commands";
import { fieldsOf } from "./fields";
import type { Page } from "./page";
import { nameOf } from "./sentencesOf";
import { fieldOf, LENGTH, SEED } from "./settings";

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

/** What of a query may stand in a title: stories are found by "Story: The heron", too. */
export function titleIn(query: string): string {
  const [words, label] = [query.trim(), `${say().story}:`];
  if (label.toLowerCase().startsWith(words.toLowerCase())) return "";
  return words.toLowerCase().startsWith(label.toLowerCase()) ? words.slice(label.length).trim() : words;
}

export function findsOf(page: Page): Command[] {
  const { library, session, place } = page;
  const t = say();
  const stories = library.named
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
  const fields = fieldsOf(page).map(({ panel, id, label }) => ({ id: `field-${id}`, label: `${t[panel]}: ${label}`, run: () => place.show(panel, id) }));
  return [...headings, ...lore, ...fields, ...numbersOf(page), ...stories];
}

/** Each number opens its field, each preset sets its own. */
function numbersOf({ session, place }: Page): Command[] {
  const t = say();
  const rows = (session.sampler.table ?? []).map(({ name }) => ({ name, label: t.samplers[name]?.[0] ?? labelOf(name) }));
  const numbers = [...rows, { name: LENGTH.name, label: t.length }, { name: SEED.name, label: t.seed }];
  return [
    ...numbers.map(({ name, label }) => ({
      id: `number-of-${name}`,
      label: `${t.sampler}: ${label}`,
      run: () => place.show("sampler", fieldOf({ name })),
    })),
    ...session.sampler.presets.map((preset) => ({
      id: `preset-${preset.name}`,
      label: `${t.preset}: ${preset.name}`,
      run: () => session.sampler.adopt(preset),
    })),
  ];
}
