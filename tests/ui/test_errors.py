"""What the page says when things go wrong. The text is never touched."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from coblyn.engine.fake import FakeRunner
from live_server import serve
from ui.conftest import NewPage
from ui.desk import (
    PROMPT,
    button,
    generate,
    phase,
    text,
    wait,
    wait_until_idle,
    write,
)

pytestmark = pytest.mark.slow

STREAM = "**/api/extra/generate/stream"


def test_a_refusal_shows_the_servers_words_and_goes_away_by_itself(page: Page) -> None:
    page.expected = ["503"]  # type: ignore[attr-defined]
    message = "9 requests are running or waiting, and the limit is 8. Try again in a moment."
    body = {"detail": {"msg": message, "type": "service_unavailable"}}

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/json", body=json.dumps(body))

    write(page, PROMPT)
    page.route(STREAM, refuse)
    button(page, "Generate").click()
    bar = page.get_by_role("alert")
    expect(bar).to_contain_text("the limit is 8.")
    expect(bar).to_contain_text("Try again in a moment.")
    assert text(page) == PROMPT
    page.unroute(STREAM)
    assert len(generate(page)) > len(PROMPT)
    expect(bar).to_have_count(0)


def test_a_server_that_is_gone(page: Page) -> None:
    page.expected = ["net::ERR"]  # type: ignore[attr-defined]
    write(page, PROMPT)
    page.route("**/health?quiet=1", lambda route: route.abort())
    page.route(STREAM, lambda route: route.abort())
    button(page, "Generate").click()
    bar = page.get_by_role("alert")
    expect(bar).to_contain_text("coblyn serve")
    expect(page.get_by_role("banner")).to_contain_text("does not answer")
    bar.get_by_role("button", name="Close this message").click()
    expect(bar).to_have_count(0)
    page.unroute("**/health?quiet=1")
    expect(page.get_by_role("banner")).to_contain_text("fake")
    assert text(page) == PROMPT


RESTARTED = {"token": "", "finish_reason": "error", "error": "It restarted.\nSend it again."}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("", "connection to Coblyn broke"),
        (f"data: {json.dumps(RESTARTED)}\n\n", "It restarted. Send it again."),
    ],
)
def test_what_had_come_before_an_error_stays(page: Page, end: str, words: str) -> None:
    frame = 'event: message\ndata: {"token": "the lamp", "finish_reason": null}\n\n'
    write(page, PROMPT)
    page.route(
        STREAM, lambda route: route.fulfill(content_type="text/event-stream", body=frame + end)
    )
    button(page, "Generate").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    assert text(page) == PROMPT + "the lamp"
    button(page, "Undo").click()
    wait(page, lambda: text(page) == PROMPT, "the step back")


def test_nothing_to_add(page: Page) -> None:
    frame = 'event: message\ndata: {"token": "", "finish_reason": "stop"}\n\n'
    write(page, PROMPT)
    page.route(STREAM, lambda route: route.fulfill(content_type="text/event-stream", body=frame))
    button(page, "Generate").click()
    expect(page.get_by_text("nothing to add")).to_be_visible()
    assert text(page) == PROMPT


def test_an_engine_that_fails_in_the_middle(new_page: NewPage) -> None:
    with serve(lambda: FakeRunner(seconds_a_step=0.01, fail_at=40)) as address:
        page = new_page(address)
        page.expected = ["503"]  # type: ignore[attr-defined]
        write(page, PROMPT)
        button(page, "Generate").click()
        expect(page.get_by_role("alert")).to_contain_text("Your text is safe.")
        assert text(page).startswith(PROMPT + "The lamp")
        page.close()


def test_a_long_prompt_shows_how_far_it_is_read(new_page: NewPage) -> None:
    with serve(lambda: FakeRunner(seconds_a_step=0.1, max_batch=8)) as address:
        page = new_page(address)
        write(page, "The water dripped. " * 60)
        button(page, "Generate").click()
        expect(page.get_by_text("Reading")).to_be_visible()
        bar = page.get_by_role("progressbar", name="Reading the prompt")
        expect(bar).to_be_visible()
        before = bar.evaluate("(bar) => bar.value")
        wait(page, lambda: bar.evaluate("(bar) => bar.value") > before, "progress")
        assert phase(page) == "reading"
        page.keyboard.press("Escape")
        wait_until_idle(page)
        page.close()


def test_a_stop_that_the_server_does_not_hear(page: Page) -> None:
    page.expected = ["net::ERR"]  # type: ignore[attr-defined]
    page.route("**/api/extra/abort", lambda route: route.abort())
    held = []  # an answer that never comes: however slow this machine is, there is something to stop
    page.route("**/generate/stream", lambda route: held.append(route))
    write(page, PROMPT)
    button(page, "Generate").click()
    wait(page, lambda: held, "the request")
    button(page, "Stop").click()
    wait_until_idle(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert text(page) == PROMPT
