"""A piece whose page goes while it is being written: it goes on, in the next page or in another one that is open."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

import patient
from coblyn.engine.fake import STORY
from live_server import serve
from ui.conftest import NewPage, new_story
from ui.cutter import cutter
from ui.desk import (
    PROMPT,
    button,
    is_open,
    is_saved,
    phase,
    runs,
    text,
    wait,
    wait_until_saved,
    write,
)
from ui.gate import Gate, GatedRunner

pytestmark = pytest.mark.slow

WHOLE = PROMPT + STORY


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def url(gate: Gate) -> Iterator[str]:
    with serve(lambda: GatedRunner(gate=gate)) as address:
        yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Pages of one browser: they have one storage."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


def begin(page: Page, gate: Gate) -> str:
    """A piece with its first ten letters, all of them saved; gives the text."""
    write(page, PROMPT)
    wait_until_saved(page)
    button(page, "Generate").click()
    return go_on(page, gate, PROMPT)


def go_on(page: Page, gate: Gate, now: str) -> str:
    """Ten more letters; gives the text."""
    then = WHOLE[: len(now) + 10]
    gate.let(10)
    wait(page, lambda: text(page) == then and is_saved(page), repr(then))
    return then


def reload(page: Page, now: str) -> None:
    """The page is there again, with all of the text, and listens to the stream."""
    page.reload()
    wait(page, lambda: is_open(page) and text(page) == now, "the text")
    expect(button(page, "Stop")).to_be_visible()
    wait(page, lambda: phase(page) in {"reading", "writing"}, "the stream")


def is_resting(url: str) -> bool:
    return bool(patient.get(f"{url}/health").json()["running"] == 0)


def asked_for_new(page: Page) -> list[str]:
    """Requests of the page that begin a piece."""
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if "generate/stream" in sent.url else 0)
    return asked


def test_a_reload_goes_on_with_the_piece(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext
) -> None:
    page = new_page(url, context)
    now = begin(page, gate)
    asked = asked_for_new(page)
    for _ in range(2):
        reload(page, now)
        now = go_on(page, gate, now)
    gate.let(math.inf)
    wait(page, lambda: phase(page) == "idle" and is_saved(page), "the end")
    assert text(page) == WHOLE
    assert not asked
    assert len({piece for _, piece in page.evaluate("() => window.__app.runs()")}) == 2
    assert [is_models for _, is_models in runs(page)] == [False, True]
    story = patient.get(f"{url}/api/coblyn/stories/{page.url.split('/s/')[1].split('/')[0]}").json()
    (receipt,) = story["state"]["pieces"].values()
    assert receipt["stats"]["seed"] == receipt["settings"]["seed"]
    button(page, "Undo").click()
    wait(page, lambda: text(page) == PROMPT, "one step back")
    button(page, "Redo").click()
    wait(page, lambda: text(page) == WHOLE, "one step forth")
    page.close()


def test_a_piece_that_was_found_again_is_stopped(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext
) -> None:
    page = new_page(url, context)
    now = begin(page, gate)
    reload(page, now)
    button(page, "Stop").click()
    expect(button(page, "Generate")).to_be_visible()
    wait(page, lambda: is_resting(url), "the end")
    gate.let(math.inf)
    wait_until_saved(page)
    reloaded = asked_for_new(page)
    page.reload()
    wait(page, lambda: is_open(page) and text(page) == now, "the story")
    expect(button(page, "Generate")).to_be_visible()
    assert not reloaded
    page.close()


@pytest.mark.parametrize("end", ["found", "stopped", "unknown"])
def test_a_stream_that_breaks_while_it_is_read_again_is_read_until_it_ends(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext, end: str
) -> None:
    page = new_page(url, context)
    now = begin(page, gate)
    page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
    begun = "event: message\ndata: " + json.dumps({"token": STORY[:5]}) + "\n\n"
    reads: list[str] = []

    def answer(route: Route) -> None:
        """Cut off in its first words at first, then not at all; once it has been away, as the test wants it."""
        if route.request.method == "DELETE":
            route.continue_()
            return
        reads.append(route.request.url)
        if len(reads) == 1:
            route.fulfill(content_type="text/event-stream", body=begun)
        elif len(reads) < 4:
            route.abort()
        elif end == "found":
            route.continue_()
        elif end == "unknown":
            route.fulfill(status=404, json={"detail": {"type": "not_found", "msg": "No stream."}})
        else:
            route.abort()

    page.route("**/api/coblyn/streams/*", answer)
    page.reload()
    goes_on = page.get_by_text("The piece goes on as soon as Coblyn answers.")
    expect(goes_on).to_be_visible()
    expect(button(page, "Stop")).to_be_visible()
    if end == "found":
        gate.let(math.inf)
        wait(page, lambda: text(page) == WHOLE and is_saved(page), "the rest of it")
    elif end == "stopped":
        button(page, "Stop").click()
    else:
        expect(page.get_by_text("Press Generate to go on from there")).to_be_visible()
    expect(button(page, "Generate")).to_be_visible()
    expect(goes_on).to_have_count(0)
    assert text(page) == (WHOLE if end == "found" else now)
    kept = "() => Object.keys(localStorage).filter((key) => key.startsWith('coblyn.running.'))"
    wait(page, lambda: page.evaluate(kept) == [], "the end of the claim")
    if end == "stopped":
        wait(page, lambda: is_resting(url), "the end of the stream")
    gate.let(math.inf)
    page.close()


@pytest.mark.parametrize("where", ["at the end", "in the middle"])
def test_a_connection_that_breaks_while_a_piece_is_written_costs_no_word(
    new_page: NewPage, url: str, gate: Gate, where: str
) -> None:
    with cutter(url) as road:
        page = new_page(road.address, viewport={"width": 1280, "height": 800})
        page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
        now = begin(page, gate)
        behind, asked = "", asked_for_new(page)
        if where == "in the middle":
            button(page, "Stop").click()
            expect(button(page, "Generate")).to_be_visible()
            behind = " They sang."
            write(page, behind)
            wait_until_saved(page)
            button(page, "Retry").click()
            now = PROMPT
        for _ in range(2):
            now = WHOLE[: len(now) + 12]
            gate.let(12)
            wait(page, lambda now=now: text(page) == now + behind, repr(now))  # type: ignore[misc]
            road.cut()
        gate.let(math.inf)
        wait(page, lambda: text(page) == WHOLE + behind and is_saved(page), "the rest of it", 30)
        expect(button(page, "Generate")).to_be_visible()
        expect(page.get_by_text("The connection to Coblyn broke")).to_have_count(0)
        assert len(asked) == (where == "in the middle"), "nothing but the retry"
        assert len({piece for _, piece in page.evaluate("() => window.__app.runs()")}) == 2
        button(page, "Undo").click()
        wait(page, lambda: WHOLE not in text(page), "one step back")
        page.close()


def test_a_connection_that_breaks_can_be_waited_for_or_given_up(
    new_page: NewPage, url: str, gate: Gate
) -> None:
    with cutter(url) as road:
        page = new_page(road.address, viewport={"width": 1280, "height": 800})
        page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
        now = begin(page, gate)
        road.close()
        expect(page.get_by_text("The piece goes on as soon as Coblyn answers.")).to_be_visible()
        button(page, "Stop").click()
        wait(page, lambda: phase(page) == "idle", "the stop")
        assert text(page) == now
        gate.let(math.inf)
        wait(page, lambda: is_resting(url), "the end of the stream", 60)


@pytest.mark.parametrize("key", ["*", "Delete"])
def test_it_goes_on_around_the_writers_words_and_ends_where_its_own_are_gone(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext, key: str
) -> None:
    page = new_page(url, context)
    now = begin(page, gate)
    at = len(PROMPT) + 2
    page.keyboard.press("Control+Home")
    for _ in range(at):
        page.keyboard.press("ArrowRight")
    page.keyboard.press(key)
    changed = now[:at] + (f"*{now[at:]}" if key == "*" else now[at + 1 :])
    wait(page, lambda: text(page) == changed and is_saved(page), "the change")
    page.reload()
    wait(page, lambda: is_open(page) and text(page) == changed, "the text")
    gate.let(math.inf)
    wait(page, lambda: phase(page) == "idle" and is_resting(url), "the end")
    expect(button(page, "Generate")).to_be_visible()
    assert text(page) == changed + (WHOLE[len(now) :] if key == "*" else "")
    page.close()


def test_another_window_sees_stops_and_goes_on_with_it(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext
) -> None:
    address = f"{url}/#/s/{new_story(url)}"
    first, second = new_page(address, context), new_page(address, context)
    asked = asked_for_new(second)
    first.bring_to_front()
    now = begin(first, gate)
    second.bring_to_front()
    expect(second.get_by_text("Another window of this story is writing")).to_be_visible()
    second.keyboard.press("Control+Enter")
    wait(second, lambda: text(second) == now, "what came")
    button(second, "Stop").click()
    expect(button(second, "Generate")).to_be_visible()
    wait(first, lambda: phase(first) == "idle" and is_saved(first), "the stop")
    wait(second, lambda: text(second) == text(first) == now, "all that came")
    assert not asked
    first.bring_to_front()
    button(first, "Retry").click()
    expect(button(second, "Stop")).to_be_visible()
    wait(first, lambda: phase(first) in {"reading", "writing"}, "the stream of the retry")
    go_on(first, gate, PROMPT)
    first.close()
    second.bring_to_front()
    wait(second, lambda: phase(second) in {"reading", "writing"}, "the stream")
    gate.let(math.inf)
    wait(second, lambda: text(second) == WHOLE, "the rest of it")
    expect(button(second, "Generate")).to_be_visible()
    assert not asked
    second.close()


@pytest.mark.parametrize("how", ["reload", "break"])
def test_an_interrupted_suggestion_is_over_and_nothing_waits_for_it(
    new_page: NewPage, url: str, gate: Gate, how: str
) -> None:
    with cutter(url) as road:
        page = new_page(road.address, viewport={"width": 1280, "height": 800})
        page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
        write(page, PROMPT)
        wait_until_saved(page)
        page.keyboard.press("Alt+Enter")
        gate.let(10)
        ghost = page.locator(".ghost")
        expect(ghost).to_have_text(STORY[:10])
        now = PROMPT
        if how == "reload":
            page.reload()
            wait(page, lambda: is_open(page) and text(page) == PROMPT, "the story")
        else:
            road.cut()
            expect(page.get_by_text("The connection to Coblyn broke")).to_be_visible()
            wait(page, lambda: phase(page) == "idle", "the end")
            expect(ghost).to_have_text(STORY[:10])
            page.keyboard.press("ArrowRight")
            now += "The"
        wait(page, lambda: is_resting(url), "the end on the server")
        wait(page, lambda: text(page) == now and is_saved(page), repr(now))
        expect(ghost).to_have_count(1 if how == "break" else 0)
        page.keyboard.press("Escape")
        expect(button(page, "Generate")).to_be_visible()
        button(page, "Generate").click()
        gate.let(math.inf)
        wait(page, lambda: text(page) == now + STORY and is_saved(page), "a piece")
        page.close()
