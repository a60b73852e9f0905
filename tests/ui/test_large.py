"""Books and journals far beyond what is usual: the page stays one that can be written in."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

import patient
from ui.conftest import NewPage, new_story
from ui.desk import button, open_panel, text, wait_until_saved, write

pytestmark = pytest.mark.slow

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
ENTRIES = 20_000


def append(address: str, story: str, operations: list[dict[str, Any]]) -> None:
    """In batches, as a client may."""
    route = f"{address}/api/coblyn/stories/{story}"
    with httpx.Client(timeout=60) as client:
        version = client.get(route, params={"without": "lore"}).json()["version"]
        for at in range(0, len(operations), 500):
            body = {"base": version, "author": "x", "operations": operations[at : at + 500]}
            answer = client.post(f"{route}/operations", json=body).raise_for_status()
            version = answer.json()["version"]


def entry(number: int) -> dict[str, Any]:
    place, name = f"lore/e{number}", f"Name {number}"
    value = {"key": [f"key{number}"], "content": f"Lamp {number} burns.", "comment": name}
    return {"kind": "put", "place": place, "value": value, "id": f"o{number}", "unit": "book"}


def typing(number: int) -> dict[str, Any]:
    """A word in place of the one before; 25 of them are one step of undo."""
    end = len("w00000 ") if number else 0
    changes = [{"from": 0, "to": end, "insert": f"w{number:05} "}]
    about = {"kind": "edit", "branch": "main", "changes": changes}
    return about | {"id": f"o{number}", "unit": f"u{number // 25}"}


def num_rows(page: Page) -> int:
    return page.locator("button.entry").count()


def test_a_book_of_20000_entries_is_found_and_edited(new_page: NewPage, server_url: str) -> None:
    story = new_story(server_url)
    append(server_url, story, [entry(number) for number in range(ENTRIES)])
    page = new_page(f"{server_url}/#/s/{story}", **WIDE)
    open_panel(page, "Lore")
    expect(button(page, "Show more (19,940 left)")).to_be_visible()
    assert num_rows(page) == 60
    page.get_by_role("searchbox", name="Search lore").fill("lamp 19998 b")
    expect(page.get_by_text("Name 19998", exact=True)).to_be_visible()
    assert num_rows(page) == 1
    page.locator("button.entry").click()
    page.get_by_label("Text", exact=True).fill("It is out.")
    wait_until_saved(page)
    saved = patient.get(f"{server_url}/api/coblyn/stories/{story}").json()["state"]["lore"]
    assert (saved["e19998"]["content"], len(saved)) == ("It is out.", ENTRIES)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("name 777")
    found = page.get_by_role("listbox", name="Commands").get_by_role("option")
    expect(found.first).to_have_text("Lore: Name 777")
    assert found.count() == 60
    page.keyboard.press("Escape")
    button(page, "All entries and test bench").click()
    page.get_by_role("searchbox", name="Search lore").fill("")
    expect(page.get_by_role("switch", name="Name 0: on", exact=True)).to_be_visible()
    assert num_rows(page) < 60


def test_a_journal_of_50000_operations_is_opened_and_scrubbed(
    new_page: NewPage, server_url: str
) -> None:
    story = new_story(server_url)
    typed = [typing(number) for number in range(50_000)]
    append(server_url, story, typed)
    page = new_page(f"{server_url}/#/s/{story}", **WIDE)
    assert text(page) == "w49999 "
    write(page, "The end.")
    wait_until_saved(page)
    button(page, "Branches").click()
    button(page, "Timeline").click()
    slider = page.get_by_role("slider")
    expect(page.get_by_text("The texts are the same.")).to_be_visible()
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("ins").last).to_contain_text("The end.")
    assert 80 <= int(slider.get_attribute("max") or 0) <= 82
    button(page, "Earlier steps").click()
    expect(slider).to_have_attribute("max", re.compile("16[0-3]"))
    assert 79 <= int(slider.input_value()) <= 82
