"""The sheet of lore: its table, form and test bench at every width, and the palette's way into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from ui.conftest import NewPage
from ui.desk import button, text, wait, wait_until_saved
from ui.test_access import assert_accessible
from ui.test_large import append
from ui.test_modes import cards, open_story, put
from ui.test_surfaces import PHONE, assert_fits

pytestmark = pytest.mark.slow

WORDS = "She lit the lamp."
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}


def entries(number: int) -> list[dict[str, Any]]:
    lamp = {"comment": "The Lamp", "key": ["lamp"], "content": "It burns blue."}
    rest = [
        put(f"lore/e{n}", {"comment": f"Entry {n}", "key": [f"key{n}"], "content": "Text."})
        for n in range(number - 1)
    ]
    return [put("lore/lamp", lamp), *rest]


def find(page: Page, words: str) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill(words)
    expect(page.locator("#commands").get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")


def open_sheet(page: Page) -> Locator:
    find(page, "All entries and test bench")
    sheet = page.locator("main.sheet")
    expect(sheet).to_be_visible()
    return sheet


def test_an_entry_is_edited_tried_and_brought_back(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(3), **WIDE)
    sheet = open_sheet(page)
    verdicts = sheet.get_by_role("status", name="Test bench")
    expect(verdicts).to_contain_text("Fired: “lamp” occurs 1 paragraph back.")
    row = sheet.get_by_role("listitem").filter(has_text="The Lamp")
    expect(row).to_contain_text("Fires")
    row.locator(".entry").click()
    expect(sheet.get_by_label("Name")).to_have_value("The Lamp")
    assert_accessible(page)
    chance = sheet.get_by_label("Chance")
    chance.fill("0")
    chance.blur()
    expect(verdicts).to_contain_text("needed 0 or less")
    expect(row).not_to_contain_text("Fires")
    button(page, "Undo").last.click()
    expect(chance).to_have_value("100")
    expect(verdicts).to_contain_text("Fired: “lamp”")
    button(page, "Redo").last.click()
    expect(chance).to_have_value("0")
    sheet.get_by_label("Where").select_option(label="in the text, at a depth")
    sheet.get_by_role("spinbutton", name="Depth").fill("7")
    sheet.get_by_role("spinbutton", name="Depth").blur()
    assert text(page) == WORDS
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.go_back()
    expect(sheet.get_by_role("spinbutton", name="Depth")).to_have_value("7")


def test_steps_of_an_entry_are_offered_where_there_are_any(
    new_page: NewPage, server_url: str
) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(2), **WIDE)
    sheet = open_sheet(page)
    sheet.get_by_role("listitem").filter(has_text="The Lamp").locator(".entry").click()
    undo, redo = (sheet.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    expect(undo).to_be_enabled()  # it was made
    expect(redo).to_be_disabled()
    chance = sheet.get_by_label("Chance")
    chance.fill("40")
    chance.blur()
    undo.click()
    expect(chance).to_have_value("100")
    expect(redo).to_be_enabled()
    page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
    full = {"detail": {"type": "disk_full", "msg": "The disk is full. Make room on it."}}
    step = "**/api/coblyn/stories/*/redo"
    page.route(step, lambda route: route.fulfill(status=507, json=full))
    redo.click()
    expect(sheet.get_by_text("did not take the step: The disk is full.")).to_be_visible()
    expect(sheet.get_by_text("wait until Coblyn answers again")).to_have_count(0)
    page.unroute(step)
    away = "**/api/coblyn/**"
    page.route(away, lambda route: route.abort())
    page.route("**/health?quiet=1", lambda route: route.abort())
    redo.click()
    expect(sheet.get_by_text("wait until Coblyn answers again")).to_be_visible()
    expect(undo).to_be_disabled()
    expect(redo).to_be_disabled()
    page.unroute(away)
    page.unroute("**/health?quiet=1")
    expect(redo).to_be_enabled()
    expect(sheet.get_by_text("wait until Coblyn answers again")).to_have_count(0)
    redo.click()
    expect(chance).to_have_value("40")


def test_marked_entries_are_turned_off_and_thrown_away_together(
    new_page: NewPage, server_url: str
) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(4), **WIDE)
    sheet = open_sheet(page)
    sheet.get_by_role("checkbox", name="Mark The Lamp").click()
    sheet.get_by_role("checkbox", name="Mark Entry 1").click()
    button(page, "Turn off").click()
    switches = [sheet.get_by_role("switch", name=f"{name}: on") for name in ("The Lamp", "Entry 1")]
    for switch in switches:
        expect(switch).to_have_attribute("aria-checked", "false")
    expect(sheet.get_by_role("status", name="Test bench")).to_contain_text("Switched off.")
    button(page, "Move to the trash").first.click()
    expect(sheet.get_by_role("listitem")).to_have_count(2)
    sheet.get_by_text("2 entries are in the trash.").get_by_role("button").click()
    expect(sheet.get_by_role("listitem")).to_have_count(4)
    for switch in switches:
        expect(switch).to_have_attribute("aria-checked", "false")


def test_of_many_entries_few_are_drawn_and_all_are_reached(
    new_page: NewPage, server_url: str
) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(300), **WIDE)
    sheet = open_sheet(page)
    expect(sheet).to_contain_text("300 entries")
    rows = sheet.get_by_role("listitem")
    expect(rows.first).to_be_visible()
    assert rows.count() < 60
    rows.first.locator(".entry").focus()
    page.keyboard.press("End")
    expect(sheet.get_by_role("button", name="Entry 298")).to_be_focused()
    page.keyboard.press("Control+f")
    expect(sheet.get_by_role("searchbox")).to_be_focused()
    page.keyboard.insert_text("key77")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Entry 77")


def test_entries_are_found_by_their_group_and_character(new_page: NewPage, server_url: str) -> None:
    rain = {"comment": "Rain", "key": ["wet"], "content": "It falls.", "group": "Weather, sky"}
    secret = {"comment": "Pit", "content": "Deep.", "characterFilter": {"names": ["Gwen"]}}
    more = [put("lore/rain", rain), put("lore/pit", secret)]
    page = open_story(new_page, server_url, "story", WORDS, *entries(3), *more, **WIDE)
    find(page, "weather")
    panel = page.get_by_role("complementary", name="Lore")
    expect(panel.get_by_role("searchbox")).to_be_focused()
    expect(panel.locator(".entry")).to_have_count(1)
    expect(panel.locator(".entry")).to_contain_text("Rain")
    panel.get_by_role("searchbox").fill("gwen")
    expect(panel.locator(".entry")).to_contain_text("Pit")
    sheet = open_sheet(page)
    expect(sheet.get_by_role("listitem")).to_have_count(1)
    find(page, "sky group")
    expect(sheet.get_by_role("searchbox")).to_have_value("sky")
    expect(sheet.get_by_role("listitem")).to_contain_text("Rain")


@pytest.mark.parametrize("size", [PHONE, {"viewport": {"width": 1024, "height": 768}}])
def test_where_three_columns_have_no_room_they_take_turns(
    new_page: NewPage, server_url: str, size: dict[str, Any]
) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(3), **size)
    sheet = open_sheet(page)
    is_phone = size is PHONE
    expect(sheet.get_by_label("Text to try")).to_be_hidden()
    sheet.locator(".list").get_by_role("listitem").filter(has_text="The Lamp").locator(
        ".entry"
    ).click()
    expect(sheet.get_by_label("Name")).to_have_value("The Lamp")
    assert_fits(page, "the entry")
    assert_accessible(page)
    expect(sheet.locator(".list").get_by_role("listitem")).to_have_count(0 if is_phone else 3)
    sheet.get_by_role("button", name="Test bench", exact=True).click()
    expect(sheet.get_by_role("status", name="Test bench")).to_contain_text("Fired: “lamp”")
    expect(sheet.get_by_label("Name")).to_be_hidden()
    assert_fits(page, "the bench")
    if is_phone:
        button(page, "Entries").click()
        expect(sheet.locator(".list").get_by_role("listitem")).to_have_count(3)


def test_the_palette_goes_to_fields_of_entries_and_characters(
    new_page: NewPage, server_url: str
) -> None:
    story = [*entries(3), *cards("Gwen", "Tomos")]
    page = open_story(new_page, server_url, "chat", "You: Go on.\n", *story)
    find(page, "lamp keys")
    keys = page.get_by_label("Keys", exact=True)
    expect(keys).to_be_focused()
    expect(button(page, "Edit lamp")).to_be_visible()
    find(page, "Entry 1")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Entry 1")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    find(page, "tomos description")
    description = page.get_by_label("Description").nth(1)
    expect(description).to_be_focused()
    open_sheet(page)
    find(page, "lamp chance")
    expect(page.locator("main.sheet").get_by_label("Chance")).to_be_focused()
    wait(page, lambda: page.get_by_role("complementary").count() == 0, "the sheet alone")


def chips(sheet: Locator | Page) -> list[str]:
    """The keys of the entry that is shown, as a screen reader names them."""
    names = sheet.locator("#entry-keys").locator("xpath=..").locator("button.key")
    labels = names.evaluate_all("(all) => all.map((name) => name.getAttribute('aria-label'))")
    return [str(label).removeprefix("Edit ") for label in labels]


def test_keys_are_added_edited_and_removed_one_by_one(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(2), **WIDE)
    sheet = open_sheet(page)
    sheet.get_by_role("listitem").filter(has_text="The Lamp").locator(".entry").click()
    field = sheet.get_by_label("Keys", exact=True)

    def expect_keys(*wanted: str) -> None:
        wait(page, lambda: chips(sheet) == list(wanted), repr(wanted))

    field.focus()
    page.keyboard.type("wick,")
    expect_keys("lamp", "wick")
    page.keyboard.type("/oil,gas/i")
    expect_keys("lamp", "wick")
    page.keyboard.press("Enter")
    expect_keys("lamp", "wick", "/oil,gas/i")
    expect(field).to_be_focused()
    page.keyboard.type("wick,")
    expect_keys("lamp", "wick", "/oil,gas/i")
    page.keyboard.press("Backspace")
    expect_keys("lamp", "wick")
    field.evaluate(
        """(element) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", "flame, torch\\n/a{1,2}/, lamp");
          const how = { clipboardData, bubbles: true, cancelable: true };
          element.dispatchEvent(new ClipboardEvent("paste", how));
        }"""
    )
    expect_keys("lamp", "wick", "flame", "torch", "/a{1,2}/")
    page.keyboard.press("ArrowLeft")
    expect(button(page, "Edit /a{1,2}/")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    expect_keys("lamp", "wick", "flame", "/a{1,2}/")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(field).to_have_value("flame")
    assert follows(field, button(page, "Edit wick"))
    assert follows(button(page, "Edit /a{1,2}/"), field)
    page.keyboard.type("fire")
    page.keyboard.press("Enter")
    expect_keys("lamp", "wick", "fire", "/a{1,2}/")
    button(page, "Remove wick").click()
    expect_keys("lamp", "fire", "/a{1,2}/")
    assert_accessible(page)
    for earlier in (
        ("lamp", "wick", "fire", "/a{1,2}/"),
        ("lamp", "wick", "flame", "/a{1,2}/"),
        ("lamp", "wick", "flame", "torch", "/a{1,2}/"),
        ("lamp", "wick"),
        ("lamp", "wick", "/oil,gas/i"),
        ("lamp", "wick"),
        ("lamp",),
    ):  # however quickly they were made, each change of the keys is a step
        button(page, "Undo").last.click()
        expect_keys(*earlier)


def follows(second: Locator, first: Locator) -> bool:
    """Whether it stands behind it in its line, or in a line below."""
    before, box = first.bounding_box(), second.bounding_box()
    assert before
    assert box
    return box["x"] >= before["x"] + before["width"] or box["y"] >= before["y"] + before["height"]


def test_keys_that_others_remove_take_no_other_away(new_page: NewPage, server_url: str) -> None:
    lamp = {"comment": "The Lamp", "key": ["lamp", "wick", "oil"], "content": "It burns blue."}
    page = open_story(
        new_page, server_url, "story", WORDS, *entries(2), put("lore/lamp", lamp), **WIDE
    )
    sheet = open_sheet(page)
    sheet.get_by_role("listitem").filter(has_text="The Lamp").locator(".entry").click()
    button(page, "Edit wick").click()
    wait(page, lambda: chips(sheet) == ["lamp", "oil"], "the key in the field")
    story = page.url.partition("/#/s/")[2].split("/")[0]
    fewer = put("lore/lamp", lamp | {"key": ["wick", "oil"]}) | {"id": "other", "unit": "other"}
    append(server_url, story, [fewer])
    wait(page, lambda: chips(sheet) == ["oil"], "the change of another")
    page.keyboard.type("fire")
    page.keyboard.press("Enter")
    wait(page, lambda: chips(sheet) == ["fire", "oil"], "the key in its place")


def test_keys_have_room_for_fingers(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(2), **PHONE)
    sheet = open_sheet(page)
    sheet.get_by_role("listitem").filter(has_text="The Lamp").locator(".entry").click()
    for name in ("Edit lamp", "Remove lamp"):
        box = button(page, name).bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
    sheet.get_by_label("Keys", exact=True).fill("a very long key of which nobody would think, " * 2)
    assert_fits(page, "long keys")
    button(page, "Remove lamp").click()
    wait(page, lambda: "lamp" not in chips(sheet), "no key")
    assert_fits(page, "keys")


def test_every_entry_on_screen_says_its_tokens(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "story", WORDS, *entries(400), **WIDE)
    asked: list[int] = []
    counted = "**/api/coblyn/tokens"
    page.on(
        "request",
        lambda sent: (
            asked.append(len(sent.post_data_json["texts"])) if "/tokens" in sent.url else 0
        ),
    )
    sheet = open_sheet(page)
    rows = sheet.get_by_role("listitem")
    expect(rows.filter(has_text="The Lamp")).to_contain_text("14 tokens")
    expect(rows.filter(has_text="Entry 1").first).to_contain_text("5 tokens")
    expect(sheet.get_by_text("400 entries, 2,009 tokens")).to_be_visible()
    assert asked == [2], "the same text is counted once"
    box = sheet.get_by_label("Text to try").bounding_box()
    assert box
    assert box["height"] > 80, "many verdicts leave the text its room"
    page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
    page.route(counted, lambda route: route.abort())
    rows.filter(has_text="The Lamp").locator(".entry").click()
    sheet.get_by_label("Text", exact=True).fill("It burns.")
    expect(sheet.get_by_text("400 entries", exact=True)).to_be_visible()
    page.unroute(counted)
    sheet.get_by_label("Text", exact=True).fill("It burns red.")
    expect(sheet.get_by_text("400 entries, 2,008 tokens")).to_be_visible()


def test_one_entry_changed_in_two_windows_at_once_is_joined_or_told(
    new_page: NewPage, server_url: str
) -> None:
    here = open_story(new_page, server_url, "story", WORDS, *entries(2), **WIDE)
    there = new_page(here.url, **PHONE)
    there.expected = ["409 (Conflict)"]  # type: ignore[attr-defined]
    for page in (here, there):
        find(page, "lamp keys")
    keys = [page.get_by_label("Keys", exact=True) for page in (here, there)]
    held: list[Route] = []

    is_held = [True]

    def hold(route: Route) -> None:
        if is_held[0]:
            held.append(route)
        else:
            route.continue_()

    there.route("**/operations", hold)

    def both(change: Callable[[Page, str], None]) -> None:
        """On the phone first, which the server hears of last."""
        change(there, "there")
        wait(there, lambda: held, "the change")
        change(here, "here")
        wait_until_saved(here)
        is_held[0] = False
        while held:
            held.pop().continue_()
        wait_until_saved(there)
        is_held[0] = True

    def add(page: Page, where: str) -> None:
        keys[page is there].fill(f"{where},")

    both(add)
    for page in (here, there):
        wait(page, lambda page=page: chips(page) == ["lamp", "here", "there"], "both keys")  # type: ignore[misc]
        expect(page.get_by_text("in another tab")).to_have_count(0)

    def order(page: Page, where: str) -> None:
        field = page.get_by_label("Order")
        field.fill("7" if where == "here" else "8")
        field.blur()

    both(order)
    expect(there.get_by_text("in another tab at once: The Lamp")).to_be_visible()
    for page in (here, there):
        expect(page.get_by_label("Order")).to_have_value("8")
        assert chips(page) == ["lamp", "here", "there"]
    is_held[0] = False
    open_sheet(there).get_by_role("listitem").filter(has_text="The Lamp").locator(".entry").click()
    button(there, "Undo").last.click()
    expect(here.get_by_label("Order")).to_have_value("7")
    expect(there.get_by_label("Order")).to_have_value("7")
