"""What stands beside the text: lore, the lens, the price and branches."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    open_panel,
    text,
    wait,
    wait_until_saved,
    write,
)
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

NOTE = "Author\N{RIGHT SINGLE QUOTATION MARK}s note"


def new_entry(page: Page, name: str, keys: str, content: str) -> None:
    button(page, "New entry").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Keys", exact=True).fill(keys)
    page.get_by_label("Text", exact=True).fill(content)
    page.get_by_label("Text", exact=True).blur()


def test_lore_says_why_it_is_read_and_why_not(page: Page) -> None:
    write(page, "The lamp went out.")
    open_panel(page, "Lore")
    new_entry(page, "Lamp", "lamp, wick", "It burns blue.")
    panel = page.get_by_role("complementary", name="Lore")
    expect(panel).to_contain_text("Fired: “lamp” stands 1 paragraph back.")
    assert_accessible(page)
    page.get_by_label("None of").fill("out")
    page.get_by_label("None of").blur()
    expect(panel).to_contain_text("so does “out”, which forbids it")
    page.get_by_label("On", exact=True).uncheck()
    expect(panel).to_contain_text("Switched off.")
    wait_until_saved(page)
    page.reload()
    open_panel(page, "Lore")
    expect(panel).to_contain_text("Switched off.")


def test_the_lens_shows_what_is_sent_and_the_price_its_cause(page: Page) -> None:
    write(page, "The lamp went out.")
    open_panel(page, "Story")
    page.get_by_label("Memory").fill("A mine in Wales.")
    page.get_by_label(NOTE).fill("[Quiet.]")
    status = page.locator(".status")
    expect(status).to_contain_text("new tokens")
    open_panel(page, "Context")
    lens = page.get_by_role("complementary", name="Context")
    for name in ("Memory", NOTE, "Story"):
        expect(lens.get_by_role("button", name=name)).to_be_visible()
    lens.get_by_role("button", name="Memory").click()
    expect(lens).to_contain_text("A mine in Wales.")
    assert_accessible(page)
    generate(page)
    expect(status).to_contain_text("Starts at once")
    open_panel(page, "Story")
    page.get_by_label("Memory").fill("A pit in Wales.")
    expect(status).to_contain_text("again")
    expect(status).to_contain_text("The memory changed.")
    open_panel(page, "Context")
    button(page, "Last").click()
    lens.get_by_role("button", name="Memory").click()
    expect(lens).to_contain_text("A mine in Wales.")


def test_branches_differ_and_come_back(page: Page) -> None:
    write(page, PROMPT + "the men went down.")
    wait_until_saved(page)
    editor(page).focus()
    page.keyboard.press("Control+Home")
    for _ in range(len(PROMPT)):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("Branch here")
    page.keyboard.press("Enter")
    wait(page, lambda: text(page) == PROMPT, "the branch")
    write(page, "the women went down.")
    wait_until_saved(page)
    button(page, "Branches").click()
    page.get_by_role("treeitem").filter(has_text="Beginning").get_by_role("button").click()
    expect(page.locator("ins")).to_have_text("women ")
    expect(page.locator("del")).to_have_text("men ")
    assert_accessible(page)
    button(page, "Go here").click()
    wait(page, lambda: text(page) == PROMPT + "the men went down.", "the other branch")
    page.reload()
    wait(page, lambda: text(page) == PROMPT + "the men went down.", "the branch of the address")
