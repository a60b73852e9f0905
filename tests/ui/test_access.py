"""The page by keyboard, by screen reader, in the dark and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ui.conftest import NewPage, missing
from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    open_panel,
    text,
    wait_until_idle,
    wait_until_saved,
    write,
)

pytestmark = pytest.mark.slow

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
PHONE: dict[str, Any] = {
    "viewport": {"width": 375, "height": 667},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def assert_accessible(page: Page) -> None:
    """No rule of axe may be broken."""
    if not AXE.is_file():
        missing("axe-core is not installed: run `npm ci` in ui/.")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("() => window.axe.run(document, { resultTypes: ['violations'] })")
    found = [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]
    assert found == []
    assert len(result["passes"]) > 10, "axe has looked at nothing"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_phone", [False, True])
def test_axe_finds_nothing(new_page: NewPage, server_url: str, scheme: str, is_phone: bool) -> None:
    page = new_page(server_url, color_scheme=scheme, **(PHONE if is_phone else {}))
    expect(page.locator(".status")).not_to_be_empty()
    assert_accessible(page)
    write(page, PROMPT)
    generate(page)
    assert_accessible(page)
    page.expected = ["net::ERR"]  # type: ignore[attr-defined]
    page.route("**/api/extra/generate/stream", lambda route: route.abort())
    button(page, "Generate").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("listbox")).to_be_visible()
    assert_accessible(page)


def test_all_of_it_by_keyboard(page: Page) -> None:
    expect(editor(page)).to_be_focused()
    page.keyboard.type("Once")
    names = []
    for _ in range(16):
        page.keyboard.press("Tab")
        names.append(page.evaluate("() => document.activeElement.textContent.trim()"))
    for name in ("Generate", "Undo", "Story", "Sampler"):
        assert any(name in focused for focused in names), names
    button(page, "Sampler").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Preset")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button(page, "Sampler")).to_be_focused()
    page.keyboard.press("F6")
    expect(editor(page)).not_to_be_focused()


def test_commands_by_their_names_and_panels_by_their_digits(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("6")
    expect(page.get_by_role("complementary", name="Sampler")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing has this name.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    assert text(page) == ""


def test_a_panel_rewraps_no_line(new_page: NewPage, server_url: str) -> None:
    for width in (1024, 1280, 1440):
        page = new_page(server_url, viewport={"width": width, "height": 768})
        write(page, PROMPT * 20)
        lines = page.locator(".cm-content")
        before = lines.bounding_box()
        open_panel(page, "Sampler")
        after = lines.bounding_box()
        panel = page.get_by_role("complementary").bounding_box()
        assert before
        assert after
        assert panel
        assert (before["width"], before["height"]) == (after["width"], after["height"]), width
        gutter = min(40, max(18, 0.04 * width))
        assert after["x"] + after["width"] - gutter + 15 <= panel["x"], width


def test_speaks_the_browsers_language(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url, locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    expect(button(page, "续写")).to_be_visible()
    assert_accessible(page)
    wait_until_saved(page)
    button(page, "外观").click()
    page.get_by_label("语言").select_option("en")
    expect(button(page, "Generate")).to_be_visible()
    page.reload()
    expect(button(page, "Generate")).to_be_visible()


def test_what_happens_is_said(page: Page) -> None:
    write(page, PROMPT)
    said = page.get_by_role("status")
    button(page, "Generate").click()
    expect(said).to_have_text("Generating.")
    wait_until_idle(page)
    expect(said).to_contain_text("Finished,")


def test_sliders_and_numbers_hold_one_value(page: Page) -> None:
    open_panel(page, "Sampler")
    number = page.get_by_label("Min-p", exact=True)
    slider = page.get_by_label("Min-p, slider")
    slider.fill("0.2")
    expect(number).to_have_value("0.2")
    expect(
        page.get_by_text("Keeps tokens whose probability is at least this fraction")
    ).to_be_visible()
    number.fill("7")
    number.blur()
    expect(number).to_have_value("1")
    page.get_by_label("Changed only").check()
    expect(page.get_by_role("spinbutton")).to_have_count(1)
    page.get_by_label("Changed only").uncheck()
    number.fill("")
    number.blur()
    expect(number).to_have_value("0.05")
    expect(slider).to_have_value("0.05")
    button(page, "Defaults").click()
    expect(slider).to_have_value("0.05")


def test_on_a_phone(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url, **PHONE)
    editor(page).tap()
    page.keyboard.insert_text(PROMPT)
    button(page, "Generate").tap()
    wait_until_idle(page)
    assert len(text(page)) > len(PROMPT)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 375, f"the page is {width} px wide"
    for name in ("Generate", "Retry", "Undo", "Redo", "Menu", "View"):
        box = button(page, name).bounding_box()
        assert box, name
        assert box["height"] >= 44, f"{name} is too small to touch: {box}"
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 375, name
    button(page, "Menu").tap()
    assert_accessible(page)
    button(page, "Story").tap()
    panel = page.get_by_role("complementary", name="Story")
    expect(panel).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        where = page.evaluate(
            "() => document.activeElement.closest('main, .bar') ? 'covered' : 'free'"
        )
        assert where == "free", "what the panel covers can still be reached"
    button(page, "Close Story").tap()
    expect(panel).to_have_count(0)
