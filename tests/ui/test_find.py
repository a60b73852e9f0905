"""Finding and replacing words where a story is shown as turns, of which only some are drawn."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from ui.conftest import NewPage
from ui.desk import text, wait
from ui.test_access import assert_accessible
from ui.test_modes import cards, open_story, wait_until_idle_in_turns

pytestmark = pytest.mark.slow

TALK = "You: The lamp, Gwen?\nGwen: Lamps burn. The lamp too.\nYou: No.\n"
PAINTED = """(name) => [...(CSS.highlights.get(name) ?? [])].map((range) => range.toString())"""


def search(page: Page) -> Locator:
    return page.get_by_role("search", name="Find in the story")


def painted(page: Page, name: str) -> list[str]:
    found = page.evaluate(PAINTED, name)
    return [str(words) for words in found]


def find(page: Page, words: str, count: str) -> None:
    search(page).get_by_role("searchbox", name="Find").fill(words)
    expect(search(page).get_by_role("status")).to_have_text(count)


def test_words_are_found_in_a_chat_and_walked_through(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "chat", TALK, *cards("Gwen"))
    expect(page.get_by_role("article")).to_have_count(3)
    page.keyboard.press("Control+f")
    expect(search(page).get_by_role("searchbox")).to_be_focused()
    find(page, "lamp", "1 of 3")
    wait(page, lambda: painted(page, "found") == ["lamp", "Lamp", "lamp"], "the marks")
    for count, now in (("2 of 3", "Lamp"), ("3 of 3", "lamp"), ("1 of 3", "lamp")):
        page.keyboard.press("Enter")
        expect(search(page).get_by_role("status")).to_have_text(count)
        wait(page, lambda now=now: painted(page, "found-now") == [now], "the mark")  # type: ignore[misc]
    page.keyboard.press("Shift+Enter")
    expect(search(page).get_by_role("status")).to_have_text("3 of 3")
    page.keyboard.press("F3")
    expect(search(page).get_by_role("status")).to_have_text("1 of 3")
    search(page).get_by_label("Match case").check()
    expect(search(page).get_by_role("status")).to_have_text("1 of 2")
    search(page).get_by_label("Match case").uncheck()
    search(page).get_by_label("Whole words").check()
    expect(search(page).get_by_role("status")).to_have_text("1 of 2")
    find(page, "lantern", "Not found")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(search(page)).to_have_count(0)
    expect(page.get_by_role("textbox", name="Say or do something")).to_be_focused()
    wait(page, lambda: painted(page, "found") == [], "the end of the marks")


def test_words_are_replaced_one_by_one_and_all_at_once(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "chat", TALK, *cards("Gwen"))
    expect(page.get_by_role("article")).to_have_count(3)
    page.keyboard.press("Control+f")
    find(page, "lamp", "1 of 3")
    search(page).get_by_label("Replace with").fill("lantern")
    search(page).get_by_role("button", name="Replace", exact=True).click()
    once = TALK.replace("lamp", "lantern", 1)
    wait(page, lambda: text(page) == once, "the change")
    expect(search(page).get_by_role("status")).to_have_text("1 of 2")
    search(page).get_by_role("button", name="Replace all").click()
    wait(
        page,
        lambda: text(page) == TALK.replace("lamp", "lantern").replace("Lamp", "lantern"),
        "all",
    )
    expect(search(page).get_by_role("status")).to_have_text("Not found")
    page.get_by_role("button", name="Undo").first.click()
    wait(page, lambda: text(page) == once, "the step back")


def test_a_hit_far_back_is_brought_with_the_turns_around_it(
    new_page: NewPage, server_url: str
) -> None:
    talk = "".join(f"You: Word {n}.\nGwen: Answer {n}.\n" for n in range(300))
    page = open_story(new_page, server_url, "chat", talk, *cards("Gwen"))
    rows = page.get_by_role("article")
    expect(rows).to_have_count(60)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("wordsearch")
    page.keyboard.press("Enter")
    expect(search(page).get_by_role("searchbox")).to_be_focused()
    find(page, "answer 20.", "1 of 1")
    row = rows.filter(has_text="Answer 20.")
    expect(row).to_be_in_viewport()
    expect(rows).to_have_count(60)
    wait(page, lambda: painted(page, "found-now") == ["Answer 20."], "the mark")
    page.get_by_role("button", name="later turns").click()
    expect(rows).to_have_count(120)
    box = page.get_by_role("textbox", name="Say or do something")
    box.fill("And then?")
    box.press("Enter")
    expect(rows.filter(has_text="And then?")).to_be_in_viewport()
    wait_until_idle_in_turns(page)
    expect(rows.filter(has_text="And then?")).to_be_in_viewport()
    expect(search(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(search(page)).to_have_count(0)


def test_a_hit_in_folded_thoughts_unfolds_them(new_page: NewPage, server_url: str) -> None:
    words = "{{[INPUT]}}\nHow **deep**?\n{{[OUTPUT]}}\n<think>The lamp tells.</think>\nVery *deep*."
    page = open_story(new_page, server_url, "assistant", words)
    expect(page.get_by_role("article")).to_have_count(2)
    page.keyboard.press("Control+f")
    find(page, "lamp", "1 of 1")
    expect(page.get_by_role("article").get_by_text("The lamp tells.")).to_be_visible()
    find(page, "deep", "1 of 2")
    wait(page, lambda: painted(page, "found") == ["deep", "deep"], "the marks")
    find(page, "output", "Not found")


def test_the_editors_search_speaks_the_pages_language(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url, locale="zh-CN")
    page.keyboard.press("Control+f")
    expect(page.get_by_role("textbox", name="查找")).to_be_focused()
    expect(page.get_by_role("button", name="全部替换")).to_be_visible()
