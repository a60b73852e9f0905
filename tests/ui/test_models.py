"""Choosing a model on the page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, Route, expect

import patient
from coblyn.engine.revival import MAX_DEATHS
from gguf_file import tiny_gguf
from ui.conftest import NewPage, new_story, serving
from ui.desk import button, open_panel, text, wait, write
from ui.test_access import assert_accessible
from ui.test_kills import Desk

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with two models that the scripted engine can go by, and a web page that is none."""
    home = tmp_path_factory.mktemp("models")
    folder = home / "data" / "models"
    for name in ("first", "second"):
        tiny_gguf().write(folder / f"{name}.gguf")
    (folder / "page.gguf").write_text("<!DOCTYPE html><title>Sign in</title>")
    with serving(home) as address:
        yield address


@pytest.fixture
def desk(new_page: NewPage, url: str) -> Page:
    page = new_page(url, viewport={"width": 1280, "height": 800})
    open_panel(page, "Model")
    return page


def test_a_model_is_chosen_and_unloaded_while_one_writes(desk: Page) -> None:
    desk.expected = ["503"]  # type: ignore[attr-defined]
    banner = desk.get_by_role("banner")
    button(desk, "Use this one: second").click()
    expect(banner).to_contain_text("second on")
    expect(desk.get_by_role("listitem").filter(has_text="second")).to_contain_text("answers")
    expect(button(desk, "Use this one: second")).to_have_count(0)
    button(desk, "Unload: second").click()
    expect(banner).to_contain_text("No model yet")
    write(desk, "Words that need no model.")
    assert text(desk) == "Words that need no model."
    button(desk, "Use this one: first").click()
    expect(banner).to_contain_text("first on")


def test_a_file_that_is_not_what_it_seems_says_what_it_is(desk: Page, url: str) -> None:
    row = desk.get_by_role("listitem").filter(has_text="page")
    expect(row).to_contain_text("web page")
    expect(row.get_by_role("button")).to_have_count(0)
    assert_accessible(desk)


def test_a_row_says_what_memory_a_model_needs(desk: Page) -> None:
    answer = {"chosen": {"total": 5_200_000_000}, "outcome": "second fits into memory."}
    desk.route("**/models/second/fit", lambda route: route.fulfill(json=answer))
    button(desk, "Memory it needs: second").click()
    row = desk.get_by_role("listitem").filter(has_text="second")
    expect(row).to_contain_text("Needs 5.2 GB of memory. second fits into memory.")
    assert_accessible(desk)


def test_what_is_on_its_way_is_shown_and_what_failed_is_told(desk: Page, url: str) -> None:
    states = [{"name": "SmolLM2", "kind": "fetch", "done": done, "total": 100} for done in (30, 60)]

    def answer(route: Route) -> None:
        work = states.pop(0) if len(states) > 1 else states[0]
        route.fulfill(json={"work": work, "failure": None})

    failure = {"name": "SmolLM2", "code": "fetch_failed", "message": "The connection broke."}
    desk.route("**/models/fetch", answer)
    desk.route("**/models/work", answer)
    desk.get_by_role("button", name="Fetch it").first.click()
    bar = desk.get_by_role("progressbar", name="Fetching SmolLM2")
    expect(bar).to_have_attribute("value", "60")
    assert_accessible(desk)
    failed = {"work": None, "failure": failure}
    listed = desk.request.get(f"{url}/api/coblyn/models").json() | failed
    desk.route("**/models/stop", lambda route: route.fulfill(json=failed))
    desk.route("**/coblyn/models", lambda route: route.fulfill(json=listed))
    button(desk, "Stop").click()
    expect(desk.get_by_role("alert")).to_contain_text("SmolLM2 could not be loaded.")
    expect(desk.get_by_role("alert")).to_contain_text("The connection broke.")
    wait(desk, lambda: bar.count() == 0, "the end")


def test_a_stopped_engine_is_stopped_everywhere_until_it_is_started_again(
    playwright: Playwright, built_page: None, tmp_path: Path
) -> None:
    tiny_gguf().write(tmp_path / "server" / "data" / "models" / "first.gguf")
    desk = Desk(playwright, tmp_path, ["--fake"])
    desk.start_server()
    try:
        patient.post(f"{desk.address}/api/coblyn/models/load", json={"name": "first"})
        wait_for_health(desk.address, "ok", 0)
        page = desk.page(new_story(desk.address))
        banner, row = page.get_by_role("banner"), page.get_by_role("listitem")
        open_panel(page, "Model")
        expect(row.filter(has_text="first")).to_contain_text("answers")
        # Some seconds later the next request starts it again, as those of a page that opens.
        for deaths in range(MAX_DEATHS):
            wait_for_health(desk.address, "ok", deaths)
            desk.kill_engine()
        expect(banner).to_contain_text("The engine has stopped")
        expect(row.filter(has_text="first")).to_contain_text("has stopped")
        button(page, "Start again: first").click()
        expect(row.filter(has_text="first")).to_contain_text("answers")
        expect(banner).to_contain_text("first on")
        expect(page.get_by_role("button", name="Start again")).to_have_count(0)
        expect(button(page, "Generate")).to_be_enabled()
    finally:
        desk.close()


def wait_for_health(address: str, status: str, restarts: int) -> None:
    wanted = {"status": status, "restarts": restarts, "model": "first"}
    end = time.monotonic() + 30
    while True:
        body = patient.get(f"{address}/health").json()
        if body.items() >= wanted.items():
            return
        assert time.monotonic() < end, body
        time.sleep(0.02)


def test_models_on_a_phone(new_page: NewPage, url: str) -> None:
    page = new_page(url, viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True)
    open_panel(page, "Model")
    use = page.get_by_role("button", name="Use this one").first
    box = use.bounding_box()
    assert box
    assert box["height"] >= 44
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert_accessible(page)
