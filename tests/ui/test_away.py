"""Writing while the engine sleeps, or while the server is gone and comes back."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

import patient
from ui.conftest import NewPage, serving
from ui.desk import (
    PROMPT,
    generate,
    is_saved,
    paste,
    text,
    wait,
    wait_for_text,
    wait_until_idle,
    wait_until_saved,
    write,
)

pytestmark = pytest.mark.slow

MANY = 2300
"""Changes; the server takes 2000 in one request."""


def test_a_model_that_went_to_sleep_writes_on_when_asked(page: Page, server_url: str) -> None:
    """As a server that unloaded its model when idle answers: it takes requests all the same."""
    health = patient.get(f"{server_url}/health?quiet=1").json() | {"status": "sleeping"}
    page.route("**/health?quiet=1", lambda route: route.fulfill(json=health))
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text("fake on")
    write(page, PROMPT)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    wait_for_text(page, PROMPT)
    wait_until_idle(page)
    assert text(page).startswith(PROMPT + "The lamp")


def test_a_server_that_is_started_again_gets_what_was_typed_meanwhile(
    new_page: NewPage, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ("serve", "--fake", "--port", str(port))
    with serving(tmp_path, command) as url:
        page = new_page(url, viewport={"width": 1280, "height": 800})
        page.expected = ["net::ERR"]  # type: ignore[attr-defined]
        write(page, PROMPT)
        wait_until_saved(page)
        whole = generate(page)
        wait_until_saved(page)
    page.keyboard.insert_text(" While nobody answered.")
    expect(page.get_by_role("banner")).to_contain_text("Kept in this browser")
    expect(page.get_by_role("banner")).to_contain_text("does not answer")
    page.keyboard.press("Control+z")
    wait(page, lambda: text(page) == whole, "the undo without a server")
    page.keyboard.insert_text(" Still here.")
    with serving(tmp_path, command):
        wait_until_saved(page)
        expect(page.get_by_role("banner")).to_contain_text("fake on")
        expect(page.get_by_role("banner")).not_to_contain_text("Kept in this browser")
        page.reload()
        wait(page, lambda: text(page) == whole + " Still here.", "the story")
        assert generate(page).startswith(whole + " Still here.")
        page.close()


@pytest.mark.parametrize("page_is", ["open", "gone"])
def test_more_changes_than_a_request_takes_arrive_in_order_once_the_server_is_back(
    new_page: NewPage, browser: Browser, tmp_path: Path, page_is: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ("serve", "--fake", "--port", str(port))
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    sizes: list[int] = []

    def note(sent: Request) -> None:
        if sent.method == "POST" and sent.url.endswith("/operations"):
            sizes.append(len((sent.post_data_json or {})["operations"]))

    with serving(tmp_path, command) as url:
        page = new_page(url, context)
        page.expected = ["net::ERR"]  # type: ignore[attr-defined]
        address, story = page.url, page.url.split("/s/")[1].split("/")[0]
        write(page, PROMPT)
        wait_until_saved(page)
    page.keyboard.press("Enter")
    paste(page, *(f"{number}\n" for number in range(MANY)))
    expect(page.get_by_role("banner")).to_contain_text("Kept in this browser")
    whole = f"{PROMPT}\n" + "".join(f"{number}\n" for number in range(MANY))
    assert text(page) == whole
    if page_is == "gone":
        page.wait_for_timeout(1000)  # what is typed is kept within a second
        page.close()
    context.on("request", note)
    with serving(tmp_path, command) as url:
        if page_is == "gone":
            page = new_page(address, context)
        wait(page, lambda: sizes, "the first part")
        write(page, "Still writing.")
        whole += "Still writing."
        wait(page, lambda: text(page) == whole and is_saved(page), "all of it", 60)
        state = patient.get(f"{url}/api/coblyn/stories/{story}").json()["state"]
        assert state["branches"]["main"]["text"] == whole
        told = patient.get(f"{url}/api/coblyn/stories/{story}/operations?limit=10000").json()
        ids = [record["id"] for record in told["operations"]]
        assert len(ids) == len(set(ids)) > MANY
        assert max(sizes) == 1000
        page.close()
    context.close()


def test_a_second_page_leaves_the_words_of_the_first_to_it(
    new_page: NewPage, server_url: str
) -> None:
    one = new_page(server_url)
    one.expected = ["net::ERR"]  # type: ignore[attr-defined]
    one.route("**/operations", lambda route: route.abort())
    write(one, "Not sent yet:")
    expect(one.get_by_role("banner")).to_contain_text("Kept in this browser")
    other = one.context.new_page()
    other.goto(one.url, wait_until="commit")
    for number in range(30):  # without a pause, so that it is one operation that grows
        one.keyboard.insert_text(f" {number}")
        one.wait_for_timeout(100)
    wait(other, lambda: other.evaluate("() => window.__app.save() !== ''"), "the story")
    one.unroute("**/operations")
    typed = "Not sent yet:" + "".join(f" {number}" for number in range(30))
    wait_until_saved(one)
    wait(other, lambda: text(other) == typed, "the words")
    assert text(one) == typed
