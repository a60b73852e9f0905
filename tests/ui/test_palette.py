"""A writer who comes from KoboldAI Lite finds by its words what is here, and reads why the rest is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ui.conftest import NewPage
from ui.desk import PROMPT, editor, wait, write
from ui.test_modes import cards, open_story, put

pytestmark = pytest.mark.slow

#: What KoboldAI Lite calls things, and the first thing that the palette has for it.
HERE = {
    "submit": "Generate",
    "abort": "Stop",
    "back": "Undo",
    "world info": "Lore",
    "WI search depth": "Lore: Turns searched",
    "author's note": "Story: Author\N{RIGHT SINGLE QUOTATION MARK}s note",
    "a/n": "Story: Author\N{RIGHT SINGLE QUOTATION MARK}s note",
    "author's note strength": "Story: Paragraphs up",
    "system prompt": "Story: Memory",
    "add instruction": "Story: Memory",
    "max output": "Sampler: Length",
    "amount to generate": "Sampler: Length",
    "repeat penalty": "Sampler: Repetition penalty",
    "rep pen range": "Sampler: Repetition range",
    "top p": "Sampler: Top-p",
    "tfs": "Sampler: Tail-free",
    "t.nsigma": "Sampler: Top-n-sigma",
    "sm.fac": "Sampler: Smoothing factor",
    "dy.temp": "Sampler: Dynamic temperature, range",
    "xtc": "Sampler: XTC threshold",
    "dry base": "Sampler: DRY base",
    "mirostat": "Sampler: Mirostat",
    "seed": "Sampler: Seed",
    "sampler preset": "Sampler: Preset",
    "reset all settings": "Sampler: Defaults",
    "anti-slop": "Story: Banned phrases",
    "stopping strings": "Story: Stop sequences",
    "group chat": "Characters",
    "character creator": "Characters: New character",
    "your name": "Story: Your name",
    "context size": "Context",
    "view context": "Context",
    "new session": "New story",
    "save": "Save a copy",
    "load": "Library",
    "open file": "Import",
    "share": "Export: KoboldAI Lite save",
    "admin": "Model",
    "select endpoint": "Model",
    "usage mode": "Mode: Story",
    "adventure mode": "Mode: Adventure",
    "color scheme": "Theme: Light",
    "font": "Typeface: Serif",
    "viewport width": "Line length",
    "logprobs": "Probabilities",
    "allow editing": "Go to the text",
    "token probabilities": "Probabilities",
    "branch": "Branches",
    "help": "Doctor",
}
ABSENT = {
    "horde": "only the models of its own server",
    "openai": "only the models of its own server",
    "comfyui": "no pictures",
    "text to speech": "neither speaks nor listens",
    "websearch": "asks no other host",
    "textdb": "nothing is looked up",
    "multiplayer": "Two pages of one server",
    "custom css": "light and dark",
    "logit bias": "KoboldCPP\N{RIGHT SINGLE QUOTATION MARK}s names",
    "grammar": "KoboldCPP\N{RIGHT SINGLE QUOTATION MARK}s names",
    "regex replace": "finding and replacing",
    "idle responses": "finding and replacing",
}


TABLES = Path(__file__).parents[2] / "docs" / "page.md"


def names() -> list[str]:
    """What the guide's tables call the features of KoboldAI Lite: parts of their first cells."""
    rows = re.findall(r"^\| (?!in KoboldAI Lite|entry)([^|]+) \|", TABLES.read_text(), re.MULTILINE)
    parts = re.split(r"[,;:()]| and |\n", "\n".join(rows).replace('"', ""))
    return list(dict.fromkeys(part.strip() for part in parts if len(part.strip()) > 1))


def ask(page: Page, words: str) -> None:
    """Type into the palette, and wait until stories that have such a title were looked for."""
    with page.expect_response(lambda answer: "/stories?" in answer.url):
        page.get_by_role("combobox", name="Commands").fill(words)


def test_words_of_another_program_find_what_is_here(new_page: NewPage, server_url: str) -> None:
    lore = put("lore/e", {"comment": "Pit", "key": ["pit"], "content": "Deep."})
    page = open_story(new_page, server_url, "chat", "You: Go on.\n", lore, *cards("Gwen"))
    page.keyboard.press("Control+k")
    wrong = {}
    for words, name in HERE.items():
        ask(page, words)
        first = page.locator("#commands").get_by_role("option").first
        found = (first.text_content() or "").strip() if first.count() else "nothing"
        if not found.startswith(name):
            wrong[words] = found
    assert not wrong, wrong
    for words, why in ABSENT.items():
        ask(page, words)
        expect(page.get_by_role("search").get_by_role("status")).to_contain_text(why)


def test_every_name_in_the_guide_is_found_or_explained(new_page: NewPage, server_url: str) -> None:
    lore = put("lore/e", {"comment": "Pit", "key": ["pit"], "content": "Deep."})
    page = open_story(new_page, server_url, "story", "", lore)
    wait(page, lambda: editor(page).is_visible(), "the editor")
    page.keyboard.press("Control+k")
    unknown = []
    for name in names():
        ask(page, name)
        found = (
            page.locator("#commands")
            .get_by_role("option")
            .or_(page.get_by_role("search").get_by_role("status"))
        )
        expect(found.first).to_be_visible()
        if found.first.text_content() == "Nothing has this name.":
            unknown.append(name)
    assert len(names()) > 150
    assert not unknown, unknown


def test_the_palette_opens_the_search_of_the_story(page: Page) -> None:
    write(page, PROMPT)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("wordsearch")
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Find")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(editor(page)).to_be_focused()
