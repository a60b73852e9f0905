"""Every panel and sheet with something in it: what axe finds, and whether it fits."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from ui.conftest import NewPage
from ui.desk import PROMPT, button, open_panel, wait
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

PANELS = ("Story", "Lore", "Characters", "Context", "Sampler", "Model")
SHEETS = ("Library", "Branches", "Import", "Doctor")
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 800},
    "has_touch": True,
    "is_mobile": True,
}
NOTE = {"text": "[Quiet.]", "depth": 3}


def put(place: str, value: Any) -> dict[str, Any]:
    return {"kind": "put", "place": place, "value": value}


def full_story(url: str) -> str:
    """A story that has something in every panel and sheet; gives its address."""
    card = {"data": {"name": "Gwen", "description": "A miner.", "first_mes": "“You heard it?”"}}
    change = {"from": 0, "to": 0, "insert": PROMPT + "the lamp burned.\n\n" * 40, "piece": "p1"}
    operations = [
        {"kind": "edit", "branch": "main", "changes": [change]},
        put("title", "The Knockers"),
        put("memory", "A mine in Wales."),
        put("note", NOTE),
        put("lore/lamp", {"comment": "The Lamp", "key": ["lamp"], "content": "It burns blue."}),
        put("lore/pit", {"comment": "Old pit", "key": [], "content": "Closed.", "disable": True}),
        put("characters/gwen", {"card": card}),
        put("personas/me", {"name": "Tomos"}),
        {"kind": "branch", "branch": "other", "parent": "main", "at": 12, "name": "Another end"},
    ]
    named = [one | {"id": f"o{n}", "unit": f"u{n}"} for n, one in enumerate(operations)]
    answer = httpx.post(f"{url}/api/coblyn/stories", json={"operations": named})
    return f"{url}/#/s/{answer.raise_for_status().json()['id']}"


def assert_fits(page: Page, where: str) -> None:
    """Nothing scrolls sideways."""
    width = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], f"{where} is {width[0]} px wide"


def assert_good(page: Page, where: str) -> None:
    assert_fits(page, where)
    try:
        assert_accessible(page)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from None


def command(page: Page, name: str) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill(name)
    page.keyboard.press("Enter")


def look_at_everything(page: Page) -> None:
    assert_good(page, "the desk")
    for name in PANELS:
        open_panel(page, name)
        wait(page, lambda: page.locator("aside .body > *").count(), name)
        assert_good(page, name)
        page.keyboard.press("Escape")
    for name in SHEETS:
        command(page, name)
        expect(page.locator("main.sheet")).to_be_visible()
        assert_good(page, name)
        page.keyboard.press("Escape")
    button(page, "View").click()
    assert_good(page, "View")
    page.keyboard.press("Escape")
    button(page, "More ways to continue").click()
    assert_good(page, "the ways to continue")
    page.keyboard.press("Escape")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_every_panel_and_sheet(
    new_page: NewPage, server_url: str, size: dict[str, Any], scheme: str
) -> None:
    look_at_everything(new_page(full_story(server_url), color_scheme=scheme, **size))


@pytest.mark.parametrize("mode", ["adventure", "chat", "instruct", "assistant"])
def test_modes_at_twice_the_size(new_page: NewPage, server_url: str, mode: str) -> None:
    """A desk of 1280 pixels has half of them at 200 %."""
    page = new_page(full_story(server_url), viewport={"width": 640, "height": 400})
    command(page, {"instruct": "Mode: Instructions"}.get(mode, f"Mode: {mode}"))
    box = page.locator(".box textarea")
    expect(box).to_be_visible()
    for name in ("Continue", "Undo"):
        expect(button(page, name)).to_be_in_viewport(ratio=1)
    expect(box).to_be_in_viewport(ratio=1)
    assert_fits(page, mode)
