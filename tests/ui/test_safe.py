"""Faults of other pages, in this one: nothing is lost, and what is wrong is said."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

import patient
from coblyn.engine.fake import FakeRunner
from coblyn.errors import DiskFull
from coblyn.service.stories import Stories
from live_server import serve
from ui.conftest import NewPage, new_story
from ui.desk import (
    PROMPT,
    button,
    editor,
    open_panel,
    phase,
    text,
    wait,
    wait_until_idle,
    wait_until_saved,
    write,
)

pytestmark = pytest.mark.slow

OPERATIONS = "**/operations"
STEPS = int(os.environ.get("NUM_STEPS", "100"))
"""An even number. 2,000 take some minutes."""


def no_room(route: Route) -> None:
    """What a server says whose disk is full."""
    error = {"code": "disk_full", "message": "There is no room. Free some space."}
    if route.request.method == "POST":
        route.fulfill(status=507, json={"error": error})
    else:
        route.continue_()


def test_a_full_disk_is_said_and_the_words_are_saved_when_there_is_room(page: Page) -> None:
    page.expected = ["507"]  # type: ignore[attr-defined]
    write(page, PROMPT)
    wait_until_saved(page)
    page.route(OPERATIONS, no_room)
    write(page, "the men went on working.")
    expect(page.get_by_text("Not saved: the disk is full")).to_be_visible()
    with page.expect_download() as copy:
        button(page, "Save a copy").click()
    assert copy.value.path().read_text(encoding="utf-8") == PROMPT + "the men went on working."
    write(page, " It was warm.")
    button(page, "Generate").click()
    expect(page.get_by_text("The model writes on once")).to_be_visible()
    page.unroute(OPERATIONS)
    wait_until_saved(page)
    expect(page.get_by_text("Not saved: the disk is full")).not_to_be_visible()
    expect(page.get_by_text("The model writes on once")).to_have_count(0)
    expect(button(page, "Save a copy")).not_to_be_visible()
    page.reload()
    wait(page, lambda: text(page).endswith("It was warm."), "the story")


@pytest.mark.parametrize("moment", [0, 1, 40, 300])
def test_a_stop_at_any_moment_keeps_the_text_so_far(page: Page, moment: int) -> None:
    write(page, PROMPT)
    open_panel(page, "Story")
    page.get_by_role("textbox", name="Stop sequences").fill("zebra\\n\nlamp went")
    button(page, "Close Story").click()
    page.evaluate(
        """(moment) => {
          document.addEventListener("keydown", (event) => {
            if (event.key !== "Enter") return;
            setTimeout(() => {
              window.__seen = window.__app.text();
              document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
            }, moment);
          });
        }""",
        moment,
    )
    editor(page).focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(moment)
    wait_until_idle(page)
    seen = str(page.evaluate("() => window.__seen"))
    assert text(page).startswith(seen)
    assert seen.startswith(PROMPT)
    assert "lamp went" not in text(page)
    wait_until_saved(page)


def test_a_refused_file_is_said_in_chinese(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url, locale="zh-CN")
    page.expected = ["400"]  # type: ignore[attr-defined]
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="命令").fill("导入")
    page.keyboard.press("Enter")
    page.locator("input[type=file]").last.set_input_files(
        {"name": "a.json", "mimeType": "application/json", "buffer": b'{"a": }'}
    )
    expect(page.get_by_role("alert")).to_contain_text("第 1 行第 7 列有误")


def test_an_error_is_said_in_chinese(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url, locale="zh-CN")
    page.expected = ["503"]  # type: ignore[attr-defined]
    detail = {"msg": "The engine has stopped.", "type": "x", "code": "engine_stopped"}
    page.route(
        "**/api/extra/generate/stream",
        lambda route: route.fulfill(status=503, json={"detail": detail}),
    )
    page.get_by_role("textbox", name="故事").press_sequentially("河")
    button(page, "续写").click()
    expect(page.get_by_role("alert")).to_contain_text("不会自行恢复")
    assert phase(page) == "idle"


def test_steps_go_back_and_forth_across_reloads(new_page: NewPage, server_url: str) -> None:
    story = new_story(server_url)
    page = new_page(f"{server_url}/#/s/{story}")
    words = [f"w{number:04} " for number in range(STEPS)]
    operations = [
        {
            "id": f"o{number}",
            "unit": f"u{number}",
            "kind": "edit",
            "branch": "main",
            "changes": [{"from": 6 * number, "to": 6 * number, "insert": word}],
        }
        for number, word in enumerate(words)
    ]
    where = f"{server_url}/api/coblyn/stories/{story}/operations"
    body = {"base": 0, "author": "me", "operations": operations}
    assert page.request.post(where, data=body).ok
    wait(page, lambda: text(page) == "".join(words), "all of it")
    half = STEPS // 2
    for verb, left in (("z", half), ("z", 0), ("y", half), ("y", STEPS)):
        page.reload()
        wait(page, lambda: page.evaluate("() => window.__app.save() === 'saved'"), "the story")
        editor(page).focus()
        for _ in range(half):
            page.keyboard.press(f"Control+{verb}")
        wanted = "".join(words[:left])
        wait(page, lambda: text(page) == wanted, f"{left} steps", 2 * STEPS)  # noqa: B023


def test_a_banned_phrase_does_not_appear(page: Page) -> None:
    write(page, PROMPT)
    button(page, "Generate").click()
    wait_until_idle(page)
    written = text(page).removeprefix(PROMPT)
    page.keyboard.press("Control+z")
    wait(page, lambda: text(page) == PROMPT, "the text without the piece")
    open_panel(page, "Story")
    phrase = " ".join(written.split()[1:3])
    page.get_by_role("textbox", name="Banned phrases").fill(f"{phrase.upper()}\n")
    button(page, "Close Story").click()
    button(page, "Generate").click()
    wait_until_idle(page)
    assert len(text(page)) > len(PROMPT)
    assert phrase.lower() not in text(page).removeprefix(PROMPT).lower()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While it is set, there is no room for what a page appends. A page that goes away passes by a browser's routes."""
    is_full, append = threading.Event(), Stories.append

    async def refuse(self: Stories, story: str, base: int, author: str, *rest: Any) -> Any:
        if is_full.is_set() and author != "other":
            raise DiskFull("There is no room.", hint="Free some space.")
        return await append(self, story, base, author, *rest)

    monkeypatch.setattr(Stories, "append", refuse)
    return is_full


def test_words_that_cannot_be_saved_are_there_after_a_reload(
    new_page: NewPage, full_disk: threading.Event
) -> None:
    with serve(FakeRunner) as server:
        story = new_story(server)
        page = new_page(f"{server}/#/s/{story}")
        page.expected = ["507"]  # type: ignore[attr-defined]
        keep_words_of_a_full_disk(page, f"{server}/api/coblyn/stories/{story}", full_disk)
        page.close()


def keep_words_of_a_full_disk(page: Page, address: str, full_disk: threading.Event) -> None:
    write(page, PROMPT + "\n\nThe end.")
    wait_until_saved(page)
    full_disk.set()
    write(page, " And on it went")
    page.get_by_role("textbox", name="Title").fill("The Lamp")
    expect(page.get_by_text("Not saved: the disk is full")).to_be_visible()
    button(page, "Generate").click()
    expect(
        page.get_by_role("alert").filter(has_text="once your words can be saved")
    ).to_be_visible()
    written = text(page)
    for more in (".", " Still"):
        page.reload()
        wait(page, lambda: text(page) == written, "the words that are not saved")  # noqa: B023
        expect(page.get_by_role("textbox", name="Title")).to_have_value("The Lamp")
        expect(page.get_by_text("Not saved: the disk is full")).to_be_visible()
        write(page, more)
        written += more
        expect(page.get_by_text("Not saved: the disk is full")).to_be_visible()
        page.wait_for_timeout(400)  # more than a batch, which the browser keeps
    assert (
        patient.get(address).json()["state"]["branches"]["main"]["text"] == PROMPT + "\n\nThe end."
    )
    body = {"kind": "edit", "branch": "main", "changes": [{"from": 0, "to": 0, "insert": "Once. "}]}
    elsewhere = {"base": 1, "author": "other", "operations": [body | {"id": "other", "unit": "o"}]}
    assert patient.post(f"{address}/operations", json=elsewhere).status_code == 200
    full_disk.clear()
    wait(page, lambda: text(page) == "Once. " + written, "the words of elsewhere")
    wait_until_saved(page)
    expect(page.get_by_text("Not saved: the disk is full")).to_have_count(0)
    state = patient.get(address).json()["state"]
    assert (state["branches"]["main"]["text"], state["title"]) == ("Once. " + written, "The Lamp")
    page.reload()
    wait(page, lambda: text(page) == "Once. " + written, "the story")
    wait_until_saved(page)
    assert patient.get(address).json()["state"]["branches"]["main"]["text"] == "Once. " + written
