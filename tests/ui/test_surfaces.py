"""Every panel and sheet with something in it: what axe finds, and whether it fits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import patient
from ui.conftest import NewPage
from ui.desk import PROMPT, button, open_panel, wait
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

PANELS = ("Story", "Lore", "Characters", "Context", "Sampler", "Model")
SHEETS = ("Library", "Branches", "Import", "Doctor", "All entries and test bench")
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 800},
    "has_touch": True,
    "is_mobile": True,
}
#: A word of German and a sentence of Chinese, neither of which has a space.
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen石谷的男人们照旧下井干活因为井下比自家的厨房还暖和"
NOTE = {"text": "[Quiet.]", "depth": 3}


def put(place: str, value: Any) -> dict[str, Any]:
    return {"kind": "put", "place": place, "value": value}


def full_story(url: str, name: str = "The Knockers") -> str:
    """A story that has something in every panel and sheet, with this title; gives its address."""
    card = {"data": {"name": name, "description": "A miner.", "first_mes": "“You heard it?”"}}
    change = {
        "from": 0,
        "to": 0,
        "insert": f"{name}. {PROMPT}" + "the lamp burned.\n\n" * 40,
        "piece": "p1",
    }
    operations = [
        {"kind": "edit", "branch": "main", "changes": [change]},
        put("title", name),
        put("memory", "A mine in Wales."),
        put("note", NOTE),
        put("lore/lamp", {"comment": name, "key": ["lamp"], "content": "It burns blue."}),
        put("lore/pit", {"comment": "Old pit", "key": [], "content": "Closed.", "disable": True}),
        put("characters/gwen", {"card": card}),
        put("personas/me", {"name": "Tomos"}),
        {"kind": "branch", "branch": "other", "parent": "main", "at": 12, "name": name},
    ]
    named = [one | {"id": f"o{n}", "unit": f"u{n}"} for n, one in enumerate(operations)]
    answer = patient.post(f"{url}/api/coblyn/stories", json={"operations": named})
    return f"{url}/#/s/{answer.raise_for_status().json()['id']}"


def assert_fits(page: Page, where: str) -> None:
    """Nothing scrolls sideways, neither the page nor what scrolls in it."""
    wide = page.evaluate(
        """() => [document.scrollingElement, ...document.querySelectorAll("aside .body, main, .content, .box")]
          .filter((element) => element.scrollWidth > Math.min(element.clientWidth, innerWidth))
          .map((element) => `${element.tagName} ${element.className} ${element.scrollWidth}`)"""
    )
    assert not wide, f"{where}: {wide}"


def assert_touchable(page: Page, where: str) -> None:
    """What is pressed is at least 44 pixels high: a finger is wider than a pointer."""
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, summary, [role=option]")]
          .filter((element) => element.checkVisibility() && !element.closest("[inert], [aria-hidden=true], .unseen"))
          .map((element) => element.closest("label.check, label.file") ?? element)
          .filter((element) => element.getBoundingClientRect().height < 43.5)
          .map(({ tagName, className, id }) => `${tagName} ${className} ${id}`)"""
    )
    assert not small, f"{where}: {sorted(set(small))}"


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


def surfaces(page: Page) -> Iterator[str]:
    """Opens each surface, one after the other, and says which one it is."""
    yield "the desk"
    for name in PANELS:
        open_panel(page, name)
        wait(page, lambda: page.locator("aside .body > *").count(), name)
        yield name
        page.keyboard.press("Escape")
    for name in SHEETS:
        command(page, name)
        expect(page.locator("main.sheet")).to_be_visible()
        yield name
        page.keyboard.press("Escape")
    button(page, "View").click()
    yield "View"
    page.keyboard.press("Escape")
    button(page, "More ways to continue").click()
    yield "the ways to continue"
    button(page, "Write 3 takes").click()
    expect(page.locator(".takes")).to_be_visible()
    expect(button(page, "Stop all")).to_have_count(0)
    yield "takes"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    yield "the palette"
    page.keyboard.press("Escape")
    if button(page, "Menu").is_visible():
        button(page, "Menu").click()
        yield "the menu"
        page.keyboard.press("Escape")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_every_panel_and_sheet(
    new_page: NewPage, server_url: str, size: dict[str, Any], scheme: str
) -> None:
    page = new_page(full_story(server_url), color_scheme=scheme, **size)
    for where in surfaces(page):
        assert_good(page, where)
        if size is PHONE:
            assert_touchable(page, where)


def assert_in_reach(page: Page, where: str) -> None:
    """All buttons of the header and the bar are on the screen as a whole."""
    within = page.viewport_size
    assert within
    for one in page.locator("header button, .bar button").all():
        box = one.bounding_box() if one.is_visible() else None
        if box:
            name = one.get_attribute("title") or one.inner_text()
            assert box["x"] >= 0, f"{name} on {where}: {box}"
            assert box["x"] + box["width"] <= within["width"], f"{name} on {where}: {box}"


@pytest.mark.parametrize("width", [390, 768, 1024])
def test_long_names_push_nothing_off_the_screen(
    new_page: NewPage, server_url: str, width: int
) -> None:
    page = new_page(full_story(server_url, LONG), viewport={"width": width, "height": 800})
    health = {"status": "ok", "model": LONG, "accelerator": "CPU: AVX2", "context": 4096}
    page.route("**/health?quiet=1", lambda route: route.fulfill(json=health))
    page.reload()
    expect(page.locator(".machine .name")).to_contain_text(LONG)
    for where in surfaces(page):
        assert_fits(page, where)
        if where in {"the desk", "takes"}:
            assert_in_reach(page, where)
        unspaced = re.findall(r"\S+·|·\S+", page.locator("body").inner_text())
        assert unspaced == [], f"no space before or behind a dot on {where}"


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
