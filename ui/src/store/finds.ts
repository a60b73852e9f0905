/** What the palette finds besides commands: stories, chapters of the text, lore, the fields of panels, the sampler's numbers. */

import { labelOf } from "../words/samplers";
import { say } from "../words/words.svelte";
import { cardOf } from "./cards";
import { type Command, MOST, plain, wordsOf } from "./commands";
import type { Places } from "./book.svelte";
import { distinct, groupsOf, textOf } from "./entries";
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

export function findsOf(page: Page, query: string): Command[] {
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
  const fields = fieldsOf(page).map(({ panel, id, label }) => ({ id: `field-${id}`, label: `${t[panel]}: ${label}`, run: () => place.show(panel, id) }));
  return [...headings, ...loreOf(page, query), ...groupsIn(page, query), ...charactersOf(page, query), ...fields, ...numbersOf(page), ...stories];
}

/** Entries of lore by name, and the fields of those whose name is typed: "lamp keys". */
function loreOf({ session, place }: Page, query: string): Command[] {
  const t = say();
  const { places } = session.book;
  const fields = [["text", t.entryText], ["keys", t.entryKeys], ["forbidden", t.entryForbidden], ["on", t.entryOn], ["always", t.entryAlways], ["where", t.entryWhere], ["probability", t.entryChance], ["order", t.entryOrder]] as const;
  const lore = namedLike(query, places, plain([t.lore, ...fields.map(([, words]) => words)].join(": ")));
  return lore.flatMap((id) => {
    const name = nameOf(id, places);
    const go = (field: string) => () => place.showEntry(id, `entry-${field}`);
    const label = `${t.lore}: ${name}`;
    const own = fields.map(([field, words]) => ({ id: `lore-${id}-${field}`, label: `${label}: ${words}`, run: go(field) }));
    return [{ id: `lore-${id}`, label, run: go("name") }, ...(isNamed(name, query) ? own : [])];
  });
}

/** Groups of entries whose name is typed; each opens the panel of lore with its entries. */
function groupsIn({ session, place }: Page, query: string): Command[] {
  const t = say();
  const groups = distinct(Object.values(session.book.places.lore).flatMap(groupsOf)).filter((name) => isNamed(name, query));
  return groups.slice(0, MOST).map((name) => ({ id: `lore-group-${name}`, label: `${t.lore}: ${t.entryGroup}: ${name}`, run: () => place.showEntries(name) }));
}

/** As many entries as are listed, those first whose names hold all that is typed; words of labels may be anywhere. */
export function namedLike(query: string, places: Places, labels: string): string[] {
  const wanted = wordsOf(query).filter((word) => !labels.includes(word));
  const phrases = [plain(query.trim()), wanted.join(" ")].filter((words) => words !== "");
  const [first, others]: [string[], string[]] = [[], []];
  for (const id of Object.keys(places.lore)) {
    const name = plain(nameOf(id, places));
    if (phrases.some((words) => name.includes(words))) first.push(id);
    else if (wanted.every((word) => name.includes(word))) others.push(id);
  }
  return [...first, ...others].slice(0, MOST);
}

function charactersOf({ session, place }: Page, query: string): Command[] {
  const t = say();
  const fields = [["text", t.characterText], ["in", t.characterIn]] as const;
  return Object.entries(session.book.places.characters).flatMap(([id, value]) => {
    const card = cardOf(value);
    const [whole, short] = [textOf(card.name), textOf(card.nickname)];
    const name = (short === "" || short === whole ? whole : whole === "" ? short : `${whole} (${short})`) || t.nameless;
    const go = (field: string) => () => place.show("characters", `character-${field}-${id}`);
    const label = `${t.characters}: ${name}`;
    const own = fields.map(([field, words]) => ({ id: `character-${id}-${field}`, label: `${label}: ${words}`, run: go(field) }));
    return [{ id: `character-${id}`, label, run: go("name") }, ...(isNamed(name, query) ? own : [])];
  });
}

/** Whether a part of a name is typed, beside other words or alone. */
export function isNamed(name: string, query: string): boolean {
  const wanted = wordsOf(query);
  return wanted.some((word) => plain(name).includes(word));
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
