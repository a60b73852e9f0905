"""What somebody finds who opens the page for the first time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ui.conftest import NewPage, serving
from ui.desk import button, editor, open_panel, text, wait, wait_until_idle, wait_until_saved
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


def tour_of(page: Page) -> Any:
    return page.get_by_role("region", name="Tour")


def test_the_tour_is_done_by_doing_it(new_page: NewPage, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        page = new_page(f"{url}/#", **WIDE)
        tour = tour_of(page)
        expect(tour).to_contain_text("1 of 6 Type a few words")
        assert_accessible(page)
        expect(editor(page)).to_be_focused()
        page.keyboard.insert_text(" Once.")
        expect(tour).to_contain_text("2 of 6")
        button(page, "Generate").click()
        wait_until_idle(page)
        expect(tour).to_contain_text("3 of 6")
        page.reload()  # it goes on where it was
        expect(tour).to_contain_text("3 of 6")
        button(page, "Retry").click()
        wait_until_idle(page)
        expect(tour).to_contain_text("4 of 6")
        button(page, "Undo").click()
        expect(tour).to_contain_text("5 of 6")
        open_panel(page, "Context")
        expect(tour).to_contain_text("6 of 6")
        button(page, "Library").click()
        button(page, "New story").click()
        expect(tour).to_contain_text("That is all there is to know.")
        button(page, "Done").click()
        expect(tour).to_have_count(0)
        page.reload()
        wait(page, lambda: page.evaluate("() => window.__app.save() !== ''"), "the story")
        expect(tour).to_have_count(0)
        button(page, "View").click()
        button(page, "Show the tour").click()
        expect(tour).to_contain_text("1 of 6")
        button(page, "Skip the tour").click()
        expect(tour).to_have_count(0)


def test_on_a_phone_the_tour_names_no_keys(new_page: NewPage, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        page = new_page(
            f"{url}/#", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
        )
        tour = tour_of(page)
        expect(tour).to_contain_text("1 of 6 Type a few words")
        editor(page).focus()
        page.keyboard.insert_text(" Once.")
        expect(tour).to_contain_text("Press Generate: the model goes on at the end.")


def test_where_a_story_cannot_be_opened_nothing_can_be_asked_of_it(
    new_page: NewPage, server_url: str
) -> None:
    page = new_page(server_url, **WIDE)
    page.expected = ["404"]  # type: ignore[attr-defined]
    button(page, "View").click()
    button(page, "Show the tour").click()
    expect(tour_of(page)).to_be_visible()
    page.evaluate("() => void (location.hash = '#/s/nowhere')")
    expect(page.get_by_role("heading", name="This story could not be opened")).to_be_visible()
    expect(button(page, "Generate")).to_have_count(0)
    expect(tour_of(page)).to_have_count(0)
    page.go_back()
    expect(button(page, "Generate")).to_be_visible()
    expect(tour_of(page)).to_be_visible()


def test_writing_begins_before_there_is_a_model(
    new_page: NewPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COBLYN_PORT", "0")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("BROWSER", raising=False)
    with serving(tmp_path, command=()) as url:
        page = new_page(f"{url}/#", **WIDE)
        expect(page.get_by_role("banner")).to_contain_text("No model yet")
        expect(button(page, "Choose a model").first).to_be_visible()
        before = text(page)
        page.keyboard.insert_text(" Once.")
        wait_until_saved(page)
        assert text(page) == before + " Once."
        expect(page.locator(".status")).to_contain_text("No model is loaded.")
        open_panel(page, "Context")
        panel = page.get_by_role("complementary", name="Context")
        expect(panel).to_contain_text("once a model is loaded")
        assert_accessible(page)
        page.keyboard.press("Escape")
        work = {"name": "SmolLM2", "kind": "build", "done": 30, "total": 120}
        answer = {"work": work, "failure": None}
        page.route("**/models/fetch", lambda route: route.fulfill(json=answer))
        page.route("**/models/work", lambda route: route.fulfill(json=answer))
        page.get_by_role("button", name="Get the starter model").click()
        bar = tour_of(page).get_by_role("progressbar")
        expect(bar).to_have_attribute("value", "25")
        expect(bar).to_have_accessible_name("Building the engine for this machine, once")
