"""The library with thousands of stories: only a part of them is read and drawn, and nothing of it is out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import patient
from coblyn.story.changes import Change
from coblyn.story.operation import Edit, Put
from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal
from coblyn.story.store.library import Library
from coblyn.story.text import Text
from ui.conftest import NewPage, new_story, serving
from ui.desk import button, text, wait
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

NUM_STORIES = 3000
MOST_MOUNTED = 60
WIDE = {"width": 1440, "height": 900}


def fill(path: Path, num_stories: int) -> None:
    """A journal of so many stories, each an hour younger than the one before."""
    database = Database(path)
    database.connection.execute("PRAGMA synchronous = OFF")
    now = [1_700_000_000.0]
    journal = Journal(database, lambda: now[0])
    library = Library(database, journal, lambda: now[0])
    for number in range(num_stories):
        now[0] += 3600
        words = f"The needle {number} lay here." if number % 10 == 0 else "Nobody spoke. " * 20
        edit = Edit("main", (Change(0, 0, Text.of(words)),))
        library.create([Put("title", f"Tale {number}"), edit])
    database.close()


@pytest.fixture(scope="module")
def crowded(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with thousands of stories, for tests that leave them as they are."""
    home = tmp_path_factory.mktemp("crowded")
    fill(home / "data" / "journal.sqlite", NUM_STORIES)
    with serving(home) as address:
        yield address


def rows(page: Page) -> Locator:
    return page.locator("button.story")


def focused_row(page: Page) -> tuple[int, str]:
    """Where in the list the focus is, from 1, and the title there."""
    row = page.locator("li:focus-within")
    expect(row.locator("b")).not_to_be_empty()  # it has come from the server
    return int(row.get_attribute("aria-posinset") or 0), row.locator("b").inner_text()


def expect_count(page: Page, words: str) -> None:
    region = page.get_by_role("region", name="Library")
    expect(region.get_by_role("status").first).to_contain_text(words)


def open_library(new_page: NewPage, address: str, num_stories: int = NUM_STORIES) -> Page:
    page = new_page(f"{address}/#/library", viewport=WIDE)
    expect_count(page, f"{num_stories:,} stories")
    return page


def test_thousands_of_rows_are_drawn_only_where_one_looks(new_page: NewPage, crowded: str) -> None:
    page = open_library(new_page, crowded)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(rows(page).first).to_contain_text("Tale 2999")
    assert_accessible(page)
    page.get_by_label("Search all stories").focus()
    page.keyboard.press("ArrowDown")
    assert focused_row(page) == (1, "Tale 2999")
    page.keyboard.press("End")
    assert focused_row(page) == (NUM_STORIES, "Tale 0")
    assert rows(page).count() < MOST_MOUNTED
    page.keyboard.press("ArrowUp")
    page.keyboard.press("PageUp")
    position, title = focused_row(page)
    assert NUM_STORIES - 15 < position < NUM_STORIES - 3
    assert title == f"Tale {NUM_STORIES - position}"
    assert_accessible(page)
    # From row to row, the focus stays at what one does with them; Tab goes through one row only.
    button = page.locator("li:focus-within").get_by_role("button", name="Move to the trash")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert focused_row(page)[0] == position + 1
    expect(button).to_be_focused()
    page.keyboard.press("Home")
    assert focused_row(page) == (1, "Tale 2999")
    assert not [url for url in asked if "stories?" in url and "limit=" not in url]


def test_the_focus_stays_while_rows_come_and_go(new_page: NewPage, crowded: str) -> None:
    page = open_library(new_page, crowded)
    rows(page).nth(3).focus()
    for top in (20_000, 150_000, 333_000):
        page.locator(".content").evaluate("(element, top) => (element.scrollTop = top)", top)
        expect(page.locator(f"li[aria-posinset='{top // 112 + 3}'] b")).not_to_be_empty()
        assert rows(page).count() < MOST_MOUNTED
        assert focused_row(page) == (4, "Tale 2996")
    page.keyboard.press("ArrowDown")
    assert focused_row(page) == (5, "Tale 2995")
    expect(page.locator("li:focus-within")).to_be_in_viewport()


def test_a_search_filters_as_one_types(new_page: NewPage, crowded: str) -> None:
    page = open_library(new_page, crowded)
    field = page.get_by_label("Search all stories")
    field.press_sequentially("needle 29", delay=30)
    expect(rows(page).first).to_contain_text("The needle 2990 lay here.")
    expect(page.get_by_text("still being searched")).to_have_count(0, timeout=60_000)
    expect_count(page, "13 stories")  # 290, 1290, 2290, and 2900 to 2990
    expect(rows(page)).to_have_count(13)
    assert_accessible(page)
    field.fill("needle")
    expect_count(page, "300 stories")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert focused_row(page) == (300, "Tale 0")
    field.fill("nowhere to be found")
    expect_count(page, "No story has these words.")
    field.fill("")
    expect_count(page, f"{NUM_STORIES:,} stories")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait(page, lambda: text(page).startswith("Nobody spoke."), "the newest story")


def test_the_palette_finds_a_story_that_the_list_has_not_read(
    new_page: NewPage, crowded: str
) -> None:
    page = new_page(f"{crowded}/#", viewport=WIDE)  # the story that was changed last
    wait(page, lambda: text(page).startswith("Nobody spoke."), "the newest story")
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("story: tale 1230")
    page.keyboard.press("Enter")  # before the server has answered
    wait(page, lambda: text(page) == "The needle 1230 lay here.", "the story")


def test_what_is_done_to_stories_keeps_the_focus_among_them(
    new_page: NewPage, built_page: None, tmp_path: Path
) -> None:
    fill(tmp_path / "data" / "journal.sqlite", 200)
    with serving(tmp_path) as address:
        page = open_library(new_page, address, 200)
        rows(page).first.focus()
        page.keyboard.press("End")
        page.locator("li:focus-within").get_by_role("button", name="Move to the trash").focus()
        page.keyboard.press("Enter")
        expect_count(page, "199 stories")
        wait(page, lambda: focused_row(page) == (199, "Tale 1"), "the focus")
        page.get_by_role("status").get_by_role("button", name="Undo").click()
        expect_count(page, "200 stories")
        wait(page, lambda: focused_row(page) == (199, "Tale 1"), "the focus")
        # What another window changes moves the row, and the focus with it.
        story = new_story(address)
        page.evaluate("() => window.dispatchEvent(new Event('focus'))")
        expect_count(page, "201 stories")
        wait(page, lambda: focused_row(page) == (200, "Tale 1"), "the focus")
        patient.post(f"{address}/api/coblyn/stories/{story}/trash")
        button(page, "Trash (0)").click()
        expect_count(page, "1 story")
        button(page, "Restore").press("Enter")
        expect_count(page, "The trash is empty.")
        expect(page.get_by_label("Search all stories")).to_be_focused()
        page.get_by_role("button", name="Trash (0)").click()
        expect_count(page, "201 stories")
