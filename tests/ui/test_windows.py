"""Several windows of one story: what one writes another one sees and goes on with, while a third has takes written."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

import patient
from coblyn.engine.fake import STORY
from live_server import serve
from ui.conftest import NewPage, new_story
from ui.cutter import cutter
from ui.desk import (
    PROMPT,
    button,
    editor,
    is_open,
    is_saved,
    phase,
    text,
    wait,
    wait_until_saved,
    write,
)
from ui.gate import Gate, GatedRunner

pytestmark = pytest.mark.slow


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def url(gate: Gate) -> Iterator[str]:
    with serve(lambda: GatedRunner(gate=gate)) as address:
        yield address


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()


def sees(pages: list[Page], now: str) -> None:
    for page in pages:
        wait(page, lambda page=page: text(page) == now, repr(now))  # type: ignore[misc]


def num_running(url: str) -> int:
    return int(patient.get(f"{url}/health").json()["running"])


def takes_of(url: str, story: str) -> list[str]:
    takes = patient.get(f"{url}/api/coblyn/stories/{story}").json()["state"]["takes"]
    return [take["text"] for take in takes.values()]


def kept_takes(page: Page) -> list[str]:
    """The names under which the browser keeps takes that are being written."""
    kept = "() => Object.keys(localStorage).filter((key) => key.startsWith('coblyn.takes.'))"
    names: list[str] = page.evaluate(kept)
    return names


def test_more_windows_than_a_browser_has_connections_see_what_one_writes(
    new_page: NewPage, url: str, context: BrowserContext
) -> None:
    address = f"{url}/#/s/{new_story(url)}"
    pages = [new_page(address, context) for _ in range(7)]
    now = ""
    for number in (0, 6):
        pages[number].bring_to_front()
        write(pages[number], f"{number} ")
        now += f"{number} "
        wait_until_saved(pages[number])
        sees(pages, now)
    expect(pages[3].get_by_role("banner")).to_contain_text("also open elsewhere")
    # The one that listened for all of them is closed: the others hear on, and of its end.
    for page in pages[:5]:
        page.close()
    write(pages[6], "six")
    sees(pages[5:], "0 6 six")
    pages[6].close()
    expect(pages[5].get_by_role("banner")).not_to_contain_text("also open elsewhere")
    pages[5].close()


def three_windows(
    new_page: NewPage, url: str, context: BrowserContext
) -> tuple[str, list[Page], list[str]]:
    """A story, windows of it, and the addresses at which they ask for text, as they do."""
    story, asked = new_story(url), list[str]()
    pages = [new_page(f"{url}/#/s/{story}", context) for _ in range(3)]
    for page in pages:
        page.on("request", lambda sent: asked.append(sent.url) if "/generate" in sent.url else 0)
    return story, pages, asked


def test_windows_take_over_a_piece_while_another_one_writes_takes(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext
) -> None:
    story, pages, asked = three_windows(new_page, url, context)
    first, second, third = pages
    before = "They sang.\n\n" + PROMPT
    write(first, before)
    sees(pages, before)
    third.bring_to_front()
    button(third, "More ways to continue").click()
    button(third, "Write 2 takes").click()
    wait(third, lambda: num_running(url) == 2, "both of them")
    gate.let(40)
    wait(third, lambda: len(takes_of(url, story)) == 2 and is_saved(third), "the first words")
    first.bring_to_front()
    button(first, "Generate").click()
    wait(first, lambda: phase(first) in {"reading", "writing"}, "the stream")
    wait(first, lambda: num_running(url) == 3, "the piece beside them")
    gate.let(60)
    wait(first, lambda: len(text(first)) > len(before) and is_saved(first), "the piece")
    sees([second, third], text(first))
    first.close()
    wait(second, lambda: {phase(second), phase(third)} & {"reading", "writing"}, "the taking over")
    assert "idle" in {phase(second), phase(third)}, "one of them writes"
    second.bring_to_front()
    editor(second).focus()
    second.keyboard.press("Control+Home")
    second.keyboard.insert_text("Slowly. ")
    gate.let(math.inf)
    rest = [second, third]
    for page in rest:
        wait(page, lambda page=page: phase(page) == "idle" and is_saved(page), "the end")  # type: ignore[misc]
    sees(rest, text(second))
    assert text(second) == "Slowly. " + before + STORY
    assert len({piece for _, piece in second.evaluate("() => window.__app.runs()")} - {""}) == 1
    expect(third.get_by_text("writing", exact=True)).to_have_count(0)
    wait(third, lambda: takes_of(url, story) == [STORY] * 2, "the takes")
    assert len(asked) == 3
    third.get_by_role("article").nth(1).get_by_role("button", name="Take 2").click()
    button(third, "Use this take").click()
    wait(third, lambda: text(third).endswith(STORY) and is_saved(third), "the take")
    sees(rest, text(third))
    for page in rest:
        page.close()


def begin_takes(page: Page) -> None:
    page.bring_to_front()
    button(page, "More ways to continue").click()
    button(page, "Write 2 takes").click()
    expect(page.get_by_role("article")).to_have_count(2)


def test_takes_go_on_in_windows_that_were_open_before_them(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext
) -> None:
    story, pages, asked = three_windows(new_page, url, context)
    first, second, third = pages
    write(first, PROMPT)
    sees(pages, PROMPT)
    wait_until_saved(first)
    begin_takes(first)
    begin_takes(second)
    wait(second, lambda: num_running(url) == 4, "all of them")
    gate.let(40)
    wait(second, lambda: len(takes_of(url, story)) == 4, "the first words")
    assert len(kept_takes(second)) == 2
    # The second window has columns of its own, so the third one goes on with those of the first.
    first.close()
    expect(third.get_by_role("article")).to_have_count(2)
    expect(third.get_by_text("writing", exact=True)).to_have_count(2)
    # With the third one gone the second is the last: its own stand until they are closed.
    third.close()
    gate.let(math.inf)
    expect(second.get_by_text("writing", exact=True)).to_have_count(0)
    second.bring_to_front()
    button(second, "Done").click()
    wait(second, lambda: kept_takes(second) == [] and is_saved(second), "the end of all takes")
    expect(second.get_by_role("article")).to_have_count(2)
    expect(second.get_by_text("writing", exact=True)).to_have_count(0)
    assert takes_of(url, story) == [STORY] * 4
    assert len(asked) == 4
    button(second, "Done").click()
    expect(second.get_by_role("article")).to_have_count(0)
    assert text(second) == PROMPT
    second.close()


@pytest.mark.parametrize("how", ["reload", "break"])
def test_takes_go_on_in_their_columns(
    new_page: NewPage, url: str, gate: Gate, context: BrowserContext, how: str
) -> None:
    with cutter(url) as road:
        page = new_page(road.address, context)
        page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
        story = page.url.split("/s/")[1].split("/")[0]
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url) if "/generate" in sent.url else 0)
        write(page, PROMPT)
        wait_until_saved(page)
        button(page, "More ways to continue").click()
        button(page, "Write 3 takes").click()
        wait(page, lambda: num_running(url) == 3, "all of them")
        gate.let(45)
        columns = page.get_by_role("article")
        expect(columns.nth(2)).to_contain_text("The")
        for _ in range(2):
            if how == "reload":
                page.reload()
                wait(page, lambda: is_open(page) and text(page) == PROMPT, "the story")
                expect(columns).to_have_count(3)
                expect(page.get_by_text("writing", exact=True)).to_have_count(3)
            else:
                road.cut()
                expect(page.get_by_text("The piece goes on as soon as")).to_be_visible()
            gate.let(30)
            expect(columns.nth(2)).to_contain_text("The")
        gate.let(math.inf)
        expect(page.get_by_text("writing", exact=True)).to_have_count(0)
        for number in range(3):
            expect(columns.nth(number)).to_contain_text(STORY.strip())
        wait(page, lambda: is_saved(page) and takes_of(url, story) == [STORY] * 3, "the takes")
        assert len(asked) == 3
        receipts = (
            patient.get(f"{url}/api/coblyn/stories/{story}").json()["state"]["pieces"].values()
        )
        assert [each["stats"] is not None for each in receipts] == [True] * 3
        columns.nth(1).get_by_role("button", name="Take 2").click()
        button(page, "Use this take").click()
        wait(page, lambda: text(page) == PROMPT + STORY and is_saved(page), "the take")
        page.reload()
        wait(page, lambda: is_open(page) and text(page) == PROMPT + STORY, "the story")
        expect(columns).to_have_count(0)
        page.close()
