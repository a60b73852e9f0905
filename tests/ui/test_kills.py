"""Server and browser killed while words are typed and generated: nothing typed more than a second ago is lost.

``NUM_KILLS`` says how many times; CI does a few.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from ui.conftest import ARGUMENTS, chromium, new_story
from ui.desk import editor, is_saved, text, wait

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("NUM_KILLS", "3"))
VICTIMS = ({"server"}, {"browser"}, {"server", "browser"})
SAFE = 1.0
"""Seconds after which a typed word may not be lost any more."""
WORD = re.compile(r"w(\d+)x")


class Desk:
    """A server and a browser, of which each can be killed and started again where it was."""

    def __init__(self, playwright: Playwright, home: Path) -> None:
        self._playwright, self._home = playwright, home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._server: subprocess.Popen[str] | None = None
        self._context: BrowserContext | None = None
        self._browser = 0

    def start_server(self) -> None:
        """As its users start it, at the same address each time: what the browser keeps belongs to that."""
        if self._server is not None:
            return
        command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", str(self._port)]
        environment = os.environ | {"COBLYN_HOME": str(self._home / "server")}
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._server.stdout
        assert "http://" in self._server.stdout.readline()

    def kill_server(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.communicate()
            self._server = None

    def page(self, story: str) -> Page:
        """The story, in a browser that keeps what it kept."""
        if self._context is None:
            folder = self._home / "browser"
            self._context = self._playwright.chromium.launch_persistent_context(
                folder, executable_path=chromium(), args=ARGUMENTS
            )
            self._browser = process_of(folder)
        page = self._context.new_page()
        page.goto(f"{self.address}/#/s/{story}")
        wait(page, lambda: page.evaluate("() => window.__app?.save() === 'saved'"), "the story", 30)
        return page

    def kill_browser(self) -> None:
        if self._context is not None:
            os.kill(self._browser, signal.SIGKILL)
            with suppress(Error):
                self._context.close()
            self._context = None

    def kill(self, victims: set[str]) -> None:
        if "server" in victims:
            self.kill_server()
        if "browser" in victims:
            self.kill_browser()

    def close(self) -> None:
        if self._context is not None:
            self._context.close()
        self.kill_server()


def process_of(folder: Path) -> int:
    """The browser's main process, which its lock names."""
    return int(str((folder / "SingletonLock").readlink()).rpartition("-")[2])


def test_nothing_that_was_typed_is_lost(
    playwright: Playwright, built_page: None, tmp_path: Path
) -> None:
    desk = Desk(playwright, tmp_path)
    try:
        desk.start_server()
        _kill_again_and_again(desk, new_story(desk.address))
    finally:
        desk.close()


def _kill_again_and_again(desk: Desk, story: str) -> None:
    rng = random.Random(15)
    number, safe, kept = 0, set[int](), set[int]()
    page = desk.page(story)
    for round_number in range(KILLS):
        victims = VICTIMS[round_number % len(VICTIMS)]
        typed = _type(page, number, rng)
        if len(victims) > 1:  # one writes on without a server for a while
            desk.kill_server()
            typed += _type(page, number + len(typed), rng)
        killed = time.monotonic()
        desk.kill(victims)
        number += len(typed)
        safe |= {word for word, at, was_saved in typed if was_saved or killed - at > SAFE}
        desk.start_server()
        if "browser" in victims:
            page = desk.page(story)
        written = _words(desk, page, story)
        assert len(written) == len(set(written)), f"round {round_number}: twice"
        assert safe <= set(written), f"round {round_number}: lost {sorted(safe - set(written))}"
        assert kept <= set(written)
        kept |= set(written)


def _type(page: Page, number: int, rng: random.Random) -> list[tuple[int, float, bool]]:
    """Words with their times, and whether the page said that they were saved; in between text is generated."""
    editor(page).focus()
    page.keyboard.press("Control+End")
    typed: list[tuple[int, float, bool]] = []
    for _ in range(rng.randint(5, 40)):
        if rng.random() < 0.1:
            page.keyboard.press("Control+Enter")
        page.keyboard.insert_text(f" w{number}x")
        typed.append((number, time.monotonic(), False))
        number += 1
        page.wait_for_timeout(rng.randint(5, 80))
    assert [int(found) for found in WORD.findall(text(page))][-len(typed) :] == [
        w for w, *_ in typed
    ]
    if rng.random() < 0.3 and is_saved(page):
        typed = [(word, at, True) for word, at, _ in typed]
    return typed


def _words(desk: Desk, page: Page, story: str) -> list[int]:
    """The words that are in the story, once the page has brought what it kept; both have the same text."""
    page.keyboard.press("Escape")
    wait(page, lambda: page.evaluate("() => window.__app.phase()") == "idle", "the end", 30)
    wait(page, lambda: is_saved(page), "the acknowledgement", 30)
    answer = httpx.get(f"{desk.address}/api/coblyn/stories/{story}", timeout=60).json()
    stored = str(answer["state"]["branches"]["main"]["text"])
    assert stored == text(page)
    return [int(found) for found in WORD.findall(stored)]
