"""How quick is a library of many stories: its list, its search, and the page that shows it?

A server with a scripted engine and a file of stories of 50 to 700 words, in which every tenth has a rare word and some
Chinese. While the lists are asked for, another client asks for ``/health`` all the time: its slowest answer says for
how long the server's loop was held up. Then the system's Chromium opens the library, scrolls it and searches in it.

    python bench/library.py [--stories 20000] [--file FILE]

``--file`` keeps the stories for the next run; they take a few minutes to make. The last line is one JSON object, in
milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright

from coblyn.story.changes import Change
from coblyn.story.operation import Edit, Put
from coblyn.story.store.database import Database
from coblyn.story.store.index import Index
from coblyn.story.store.journal import Journal
from coblyn.story.store.library import Library
from coblyn.story.text import Text
from page import prose, serving

LIST = "/api/coblyn/stories"
SEARCHES = ("the", "knocked twice", "needle50", "湖水", "湖", "s", "zq", "qqqq")
TURNS = 5
FRAMES = """() => {
  const seen = (window.__seen = { frames: [], tasks: [] });
  let last = performance.now();
  const tick = (now) => { seen.frames.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  const long = new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((one) => one.duration)));
  long.observe({ type: "longtask" });
}"""


def make_stories(path: Path, count: int) -> None:
    """A file with so many stories, in which all words are indexed."""
    draw, now = random.Random(1), [1_700_000_000.0]
    database = Database(path)
    database.connection.execute("PRAGMA synchronous = OFF")
    journal = Journal(database, lambda: now[0])
    library = Library(database, journal, lambda: now[0])
    for number in range(count):
        now[0] += 3600
        text = prose(draw.randint(50, 700), draw)
        if number % 10 == 0:
            text += f"\nThe needle{number % 1000} lay here. 湖水很冷{number}"
        words = Edit("main", (Change(0, 0, Text(text, ((len(text), ""),))),))
        library.create([Put("title", f"Story {number}"), words])
    Index(database, journal).refresh()
    database.close()


def milliseconds(act: Callable[[], Any]) -> float:
    """What something took."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


class Knocker:
    """Asks for the server's health all the time, from a thread of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._is_over = threading.Event()
        self._slowest = 0.0
        self._thread = threading.Thread(target=self._knock)
        self._thread.start()

    def _knock(self) -> None:
        with httpx.Client(base_url=self._address, timeout=60) as client:
            while not self._is_over.wait(0.002):
                took = milliseconds(lambda: client.get("/health?quiet=1"))
                self._slowest = max(self._slowest, took)

    def take(self) -> float:
        """The slowest answer since the last call."""
        slowest, self._slowest = self._slowest, 0.0
        return slowest

    def stop(self) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()


def ask_lists(address: str, count: int) -> dict[str, Any]:
    """Lists and searches over HTTP: the median of some turns, and the slowest knock meanwhile."""
    asked: dict[str, dict[str, str | int]] = {
        "first part": {"limit": 60},
        "last part": {"limit": 60, "offset": count - 60},
        "by title": {"limit": 60, "title": "STORY 77"},
        **{f"search {words}": {"limit": 60, "q": words} for words in SEARCHES},
        "all": {},
    }
    found = {}
    knocker = Knocker(address)
    with httpx.Client(base_url=address, timeout=60) as client:
        time.sleep(1)
        found["idle"] = {"knock": round(knocker.take(), 1)}
        for name, query in asked.items():
            took = []
            for turn in range(TURNS):
                # A word that no story has makes each turn another search: the server keeps the last one.
                client.get(LIST, params={"limit": 1, "q": f"nothing{turn}"})
                knocker.take()
                took.append(milliseconds(lambda query=query: client.get(LIST, params=query)))  # type: ignore[misc]
            found[name] = {
                "median": round(statistics.median(took), 1),
                "knock": round(knocker.take(), 1),
            }
    knocker.stop()
    return found


def frames(page: Page) -> dict[str, float]:
    """The slowest frame and task since the last call, and the rows that are drawn."""
    seen = page.evaluate(
        "() => { const { frames, tasks } = window.__seen; return [frames.splice(0), tasks.splice(0)]; }"
    )
    rows = page.locator("button.story").count()
    return {
        "frame": round(max(seen[0], default=0), 1),
        "task": max(seen[1], default=0),
        "rows": rows,
    }


def open_library(page: Page, address: str) -> dict[str, Any]:
    """The page's library: until the first row stands, a scroll, and until a search's answer stands."""
    page.goto(address)
    page.get_by_role("textbox", name="Story").wait_for()
    page.wait_for_timeout(1000)
    page.evaluate(FRAMES)
    first = milliseconds(lambda: _show(page))
    found: dict[str, Any] = {"first_row": round(first, 1)} | {"opening": frames(page)}
    page.mouse.move(700, 600)
    for _ in range(40):
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(16)
    found["scrolling"] = frames(page)
    for words in SEARCHES:
        found[f"search {words}"] = round(milliseconds(lambda words=words: search(page, words)), 1)  # type: ignore[misc]
        search(page, "")
    return found


def _show(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("8")
    page.locator("button.story").first.wait_for()


def search(page: Page, words: str) -> None:
    """Put words into the field, and wait until what the server found stands in the list."""
    with page.expect_response(lambda answer: "limit=60" in answer.url):
        page.get_by_label("Search all stories").fill(words)
    page.evaluate(
        "() => new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=20_000)
    parser.add_argument("--file", type=Path)
    wanted = parser.parse_args()
    path = os.environ.get("COBLYN_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        journal = home / "data" / "journal.sqlite"
        journal.parent.mkdir()
        kept = wanted.file or home / "stories.sqlite"
        if not kept.exists():
            make_stories(kept, wanted.stories)
        shutil.copy(kept, journal)
        with serving(home) as address, sync_playwright() as playwright:
            result: dict[str, Any] = {"lists": ask_lists(address, wanted.stories)}
            print(json.dumps(result, ensure_ascii=False))
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            result["page"] = open_library(page, address)
            browser.close()
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
