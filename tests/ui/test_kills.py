"""Server, browser and engine killed while words are typed and generated: nothing typed more than a second ago is lost.

``NUM_KILLS`` says how many times, and ``KILL_SEED`` which ones; CI does a few.
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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from coblyn.native.bundle import Bundle
from ui.conftest import ARGUMENTS, chromium, lend, new_story
from ui.desk import editor, is_saved, text, wait

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("NUM_KILLS", "5"))
SEED = int(os.environ.get("KILL_SEED", "15"))
VICTIMS = (
    {"server"},
    {"browser"},
    {"engine"},
    {"server", "browser"},
    {"engine", "browser"},
)
SAFE = 1.0
"""Seconds after which a typed word may not be lost any more."""
WORD = re.compile(r"w(\d+)x")


class Desk:
    """A server with its engine and a browser, of which each can be killed and started again where it was."""

    def __init__(self, playwright: Playwright, home: Path, options: Sequence[str]) -> None:
        self._playwright, self._home, self._options = playwright, home, options
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
        command = [sys.executable, "-m", "coblyn", "serve", *self._options]
        command += ["--port", str(self._port)]
        environment = os.environ | {"COBLYN_HOME": str(self._home / "server")}
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._server.stdout
        assert "http://" in self._server.stdout.readline()

    def kill_server(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.communicate()
            self._server = None

    def kill_engine(self) -> None:
        """The server's only child; it starts another by itself."""
        if self._server is None:
            return
        server = self._server.pid
        end = time.monotonic() + 60
        while not (engines := children_of(server)):
            assert time.monotonic() < end, "there is no engine"
            time.sleep(0.02)
        for engine in engines:
            os.kill(engine, signal.SIGKILL)

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
        if "engine" in victims:
            self.kill_engine()
        if "server" in victims:
            self.kill_server()
        if "browser" in victims:
            self.kill_browser()

    def close(self) -> None:
        if self._context is not None:
            self._context.close()
        self.kill_server()


def children_of(parent: int) -> list[int]:
    """Processes that any of its threads has started."""
    found: list[int] = []
    for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended meanwhile
            found += map(int, tasks.read_text().split())
    return found


def process_of(folder: Path) -> int:
    """The browser's main process of this profile; its command may be a script that waits for it."""
    named = f"--user-data-dir={folder}"
    found = [
        each
        for each in psutil.process_iter(["cmdline", "create_time"])
        if named in (words := each.info["cmdline"] or [])
        and not any(word.startswith("--type=") for word in words)
    ]
    return max(found, key=lambda each: each.info["create_time"]).pid


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="it looks for the engine in /proc")
def test_nothing_is_lost(playwright: Playwright, built_page: None, tmp_path: Path) -> None:
    _kill_again_and_again(Desk(playwright, tmp_path, ["--fake"]), VICTIMS, KILLS)


@pytest.mark.native
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="it looks for the engine in /proc")
def test_nothing_is_lost_of_what_a_model_writes(
    playwright: Playwright, built_page: None, tmp_path: Path, bundle: Bundle, starter_model: Path
) -> None:
    lend(bundle, tmp_path / "server")
    desk = Desk(playwright, tmp_path, [str(starter_model)])
    _kill_again_and_again(desk, [{"engine"}, {"server"}, {"engine", "browser"}], KILLS)


@dataclass(frozen=True, slots=True)
class Typed:
    """A word, when it was typed, and whether the page then said that all was saved."""

    word: int
    at: float
    was_saved: bool = False


def _kill_again_and_again(desk: Desk, victims: Sequence[set[str]], num_kills: int) -> None:
    rng = random.Random(SEED)
    number, safe, saved = 0, set[int](), ""
    try:
        desk.start_server()
        story = new_story(desk.address)
        page = desk.page(story)
        for round_number in range(num_kills):
            killed = victims[round_number % len(victims)]
            typed = _type(page, number, rng)
            if killed == {"server", "browser"}:  # one writes on without a server for a while
                desk.kill_server()
                typed += _type(page, number + len(typed), rng)
            elif rng.random() < 0.7:
                _generate(page, rng)
            saved = _saved_text(page) or saved
            moment = time.monotonic()
            desk.kill(killed)
            number += len(typed)
            safe |= {one.word for one in typed if one.was_saved or moment - one.at > SAFE}
            desk.start_server()
            if "browser" in killed:
                page = desk.page(story)
            text_now, written = _settled(desk, page, story)
            assert len(written) == len(set(written)), f"round {round_number}: twice"
            ages = {one.word: round(moment - one.at, 2) for one in typed}
            lost = {word: ages.get(word) for word in sorted(safe - set(written))}
            assert not lost, f"round {round_number}: lost (with their seconds) {lost}"
            assert text_now.startswith(saved.rstrip()), f"round {round_number}: lost what was saved"
            safe |= set(written)
            saved = text_now
    finally:
        desk.close()


def _type(page: Page, number: int, rng: random.Random) -> list[Typed]:
    """Words at the end; in between text is generated, until the next word stops it."""
    editor(page).focus()
    page.keyboard.press("Control+End")
    typed: list[Typed] = []
    for _ in range(rng.randint(5, 40)):
        if rng.random() < 0.1:
            page.keyboard.press("Control+Enter")
        page.keyboard.insert_text(f" w{number}x")
        typed.append(Typed(number, time.monotonic()))
        number += 1
        page.wait_for_timeout(rng.randint(5, 80))
    words = _words(text(page), page.evaluate("() => window.__app.runs()"))
    assert words[-len(typed) :] == [one.word for one in typed]
    if rng.random() < 0.3 and is_saved(page):
        typed = [replace(one, was_saved=True) for one in typed]
    return typed


def _generate(page: Page, rng: random.Random) -> None:
    """Begin a piece, and be somewhere in it, or in what is read for it."""
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(rng.randint(0, 1500))


def _saved_text(page: Page) -> str | None:
    """The story as it is, if all of it is acknowledged."""
    found = page.evaluate("() => window.__app.isSaved() ? window.__app.text() : null")
    return None if found is None else str(found)


def _words(story: str, runs: Sequence[tuple[int, str]]) -> list[int]:
    """The words that were typed: a model may write the same ones."""
    units, at, typed = story.encode("utf-16-le"), 0, []
    for length, piece in runs:
        typed.append("|" if piece else units[2 * at : 2 * (at + length)].decode("utf-16-le"))
        at += length
    return [int(found) for found in WORD.findall("".join(typed))]


def _settled(desk: Desk, page: Page, story: str) -> tuple[str, list[int]]:
    """The story and its typed words, once the page has brought what it kept; the server has the same text."""
    page.keyboard.press("Escape")
    wait(page, lambda: page.evaluate("() => window.__app.phase()") == "idle", "the end", 60)
    wait(page, lambda: is_saved(page), "the acknowledgement", 30)
    answer = httpx.get(f"{desk.address}/api/coblyn/stories/{story}", timeout=60).json()
    stored = answer["state"]["branches"]["main"]
    assert stored["text"] == text(page)
    return stored["text"], _words(stored["text"], stored["runs"])
