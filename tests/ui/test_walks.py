"""Walks at random over a story, in two pages and over a server that is killed: page, journal and export stay one text.

``NUM_WALKS`` says how many walks, and ``WALK_SEED`` where their seeds begin; CI does two.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error, Page, Playwright

from ui.conftest import new_story
from ui.desk import button, editor, phase, text, wait, wait_until_saved
from ui.test_kills import Desk

pytestmark = pytest.mark.slow

WALKS = int(os.environ.get("NUM_WALKS", "2"))
SEED = int(os.environ.get("WALK_SEED", "1"))
STEPS = 30
BEGINNING = "The first page writes here.\n\nNobody writes here.\n\nAnd the second one here."
WORDS = [
    " lamp",
    " \N{GRINNING FACE}",
    " \u05e9\u05dc\u05d5\u05dd",
    ".\n",
    " \u6c34",
    " e\u0301",
    " water",
]


class Walk:
    """One story, shown in one page or two.

    Args:
        desk: The server and the browser.
        seed: Of the steps.
    """

    def __init__(self, desk: Desk, seed: int) -> None:
        self._rng = random.Random(seed)
        self._desk = desk
        self.done: list[str] = []
        self._story = new_story(desk.address)
        self._pages = [desk.page(self._story)]
        self._page = self._pages[0]
        self._key("Control+End")
        self._page.keyboard.insert_text(BEGINNING)
        wait_until_saved(self._page)

    def go(self, num_steps: int) -> None:
        """So many steps; a text is compared after each tenth."""
        steps: list[Callable[[], None]] = [
            *([self.type] * 5),
            *([self.rub_out, self.undo, self.redo, self.generate] * 2),
            *(self.stop, self.retry, self.branch, self.reload, self.second, self.restart),
        ]
        for number in range(1, num_steps + 1):
            step = self._rng.choice(steps)
            at = self._rng.randrange(len(self._pages))
            self._page = self._pages[at]
            self._page.bring_to_front()
            self.done.append(f"{step.__name__} {at}")
            step()
            self._page.wait_for_timeout(self._rng.choice((0, 20, 300)))
            if number % 10 == 0:
                self.compare()

    def compare(self) -> None:
        """All of it is acknowledged: every page has its branch's text, as the journal does, and as it is exported."""
        self._desk.start_server()
        for page in self._pages:
            page.bring_to_front()
            page.keyboard.press("Escape")
            self._settle(page)
        address = f"{self._desk.address}/api/coblyn/stories/{self._story}"
        for page in self._pages:
            wait(page, lambda page=page: _is_same(page, address), "the same text", 20)
            query = {"format": "text", "branch": _branch(page)}
            exported = httpx.get(f"{address}/export", params=query, timeout=30)
            assert exported.content.decode() == text(page)

    def end(self) -> None:
        """Close the pages."""
        for page in self._pages:
            page.close()

    def type(self) -> None:
        at = "Control+Home" if self._page is self._pages[0] else "Control+End"
        self._key(at)
        for _ in range(self._rng.randint(1, 12)):
            self._page.keyboard.insert_text(self._rng.choice(WORDS))

    def rub_out(self) -> None:
        self._key("Control+Home" if self._page is self._pages[0] else "Control+End")
        key = "Delete" if self._page is self._pages[0] else "Backspace"
        for _ in range(self._rng.randint(1, 4)):
            self._page.keyboard.press(key)

    def undo(self) -> None:
        self._key("Control+z")

    def redo(self) -> None:
        self._key("Control+y")

    def generate(self) -> None:
        if self._page is self._pages[-1]:
            self._key("Control+Enter")

    def retry(self) -> None:
        if self._page is self._pages[-1]:
            self._key("Control+Shift+Enter")

    def stop(self) -> None:
        self._key("Escape")

    def branch(self) -> None:
        if len(self._pages) == 1:
            self._key("Control+k")
            self._page.keyboard.insert_text("Branch here")
            self._page.keyboard.press("Enter")

    def reload(self) -> None:
        self._desk.start_server()
        self._page.reload()
        _wait_for_story(self._page)

    def second(self) -> None:
        """A second page of the same branch, or its end."""
        self._desk.start_server()
        if len(self._pages) > 1:
            self._pages.pop().close()
            self._page = self._pages[0]
        else:
            wait_until_saved(self._page)
            context = self._page.context
            self._pages.append(context.new_page())
            self._pages[1].goto(self._page.url)
            _wait_for_story(self._pages[1])

    def restart(self) -> None:
        """The server is killed; it comes back at once, or before what needs it."""
        self._desk.kill_server()
        if self._rng.random() < 0.5:
            self._desk.start_server()

    def _key(self, key: str) -> None:
        editor(self._page).focus()
        self._page.keyboard.press(key)

    def _settle(self, page: Page) -> None:
        """Nothing is written any more, and what both pages changed is chosen."""
        keep = button(page, "Keep this one")

        def is_settled() -> bool:
            if keep.count():
                keep.first.click()
            return phase(page) == "idle" and bool(page.evaluate("() => window.__app.isSaved()"))

        wait(page, is_settled, "the acknowledgement", 40)


def _branch(page: Page) -> str:
    return page.url.rpartition("/")[2]


def _is_same(page: Page, address: str) -> bool:
    state = httpx.get(address, timeout=30).json()["state"]
    return bool(state["branches"][_branch(page)]["text"] == text(page))


def _wait_for_story(page: Page) -> None:
    def is_there() -> bool:
        try:
            return bool(page.evaluate("() => (window.__app?.save() ?? '') !== ''"))
        except Error:  # it is just being left
            return False

    wait(page, is_there, "the story", 30)


def test_page_journal_and_export_stay_one_text(
    playwright: Playwright, built_page: None, tmp_path: Path
) -> None:
    desk = Desk(playwright, tmp_path, ["--fake"])
    try:
        for seed in range(SEED, SEED + WALKS):
            desk.start_server()
            walk = Walk(desk, seed)
            try:
                walk.go(STEPS)
            except (AssertionError, Error) as error:
                raise AssertionError(f"walk {seed}: {', '.join(walk.done)}") from error
            walk.end()
    finally:
        desk.close()
