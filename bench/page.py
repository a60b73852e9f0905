"""How quick is the page on a long story: opening, typing, scrolling, finding, undo, branches?

A server with a scripted engine, a story of 150,000 words in 2,000 generated pieces with 300 lore entries, and the
system's Chromium without a GPU. A trace of the browser says how long its main thread works from a key to the painted
frame; the rest is what the page's user sees, with the frames' own cadence in it.

    python bench/page.py [--words 150000] [--pieces 2000] [--entries 300] [--keys 200] [--trace FILE]

The last line is one JSON object, in milliseconds: ``work`` is the main thread's processor time per key, ``painted`` the
time from the key until its frame is handed on, each as median, 95th percentile and maximum.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from playwright.sync_api import CDPSession, Page, sync_playwright

_PROSE = """the lamp burned low and water dripped on old ladder below nobody spoke for long while
Gwen counted rungs again then somebody knocked twice under her boots"""
_WORDS = _PROSE.split()
_BATCH = 500
_CATEGORIES = ("devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel")
_PATIENCE = 20
_KEY_PAUSE = 0.07
"""Seconds between keys: a quick typist."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of the story."""

    words: int
    pieces: int
    entries: int


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """A server with a scripted engine and a home of its own; gives its address."""
    command = [sys.executable, "-m", "coblyn", "serve", "--fake", "--port", "0"]
    environment = os.environ | {"COBLYN_HOME": str(home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = next(line for line in process.stdout if "http://" in line)
            yield f"http://{line.split('http://')[1].split()[0]}"
        finally:
            process.terminate()


def prose(words: int, random_words: random.Random) -> str:
    """So many words, in sentences and paragraphs."""
    parts: list[str] = []
    for _ in range(words):
        parts.append(random_words.choice(_WORDS))
        end = random_words.random()
        parts.append(".\n\n" if end < 0.012 else ". " if end < 0.1 else " ")
    return "".join(parts)


def operations(scale: Scale) -> list[dict[str, Any]]:
    """What makes the story: each piece is followed by words of the writer's."""
    draw = random.Random(1)
    made: list[dict[str, Any]] = []
    length = 0
    share = scale.words // scale.pieces
    for number in range(scale.pieces):
        piece = f"piece{number}"
        for words, source in ((share * 3 // 4, piece), (share - share * 3 // 4, "")):
            text = prose(words, draw)
            change = {"from": length, "to": length, "insert": text, "piece": source}
            if not source:
                del change["piece"]
            made.append({"kind": "edit", "branch": "main", "changes": [change]})
            length += len(text)
        stats = {"completionTokens": share, "tokensPerSecond": 30}
        receipt = {"model": "scripted", "settings": {"temperature": 0.8}, "stats": stats}
        made.append({"kind": "put", "place": f"pieces/{piece}", "value": receipt})
    for number in range(scale.entries):
        entry = {"key": [f"key{number}", draw.choice(_WORDS)], "content": prose(40, draw)}
        made.append({"kind": "put", "place": f"lore/entry{number}", "value": entry})
    return [{**each, "id": f"op{at}", "unit": f"unit{at}"} for at, each in enumerate(made)]


def make_story(address: str, scale: Scale) -> str:
    """The story on the server; gives its id."""
    with httpx.Client(base_url=address, timeout=60) as client:
        story = str(client.post("/api/coblyn/stories", json={}).json()["id"])
        version = client.get(f"/api/coblyn/stories/{story}").json()["version"]
        sent = operations(scale)
        for at in range(0, len(sent), _BATCH):
            body = {"base": version, "author": "bench", "operations": sent[at : at + _BATCH]}
            answer = client.post(f"/api/coblyn/stories/{story}/operations", json=body)
            version = answer.raise_for_status().json()["version"]
    return story


class Key(NamedTuple):
    """What a key took, in milliseconds: the main thread's work, and the time until its frame was handed on."""

    work: float
    painted: float


class Tracer:
    """The browser's trace of the page."""

    def __init__(self, session: CDPSession, categories: Sequence[str]) -> None:
        self._session = session
        self._categories = categories
        self.events: list[dict[str, Any]] = []
        session.on("Tracing.dataCollected", lambda data: self.events.extend(data["value"]))

    def start(self) -> None:
        """Begin; what was collected before is forgotten."""
        self.events.clear()
        config = {"includedCategories": list(self._categories)}
        self._session.send("Tracing.start", {"traceConfig": config, "transferMode": "ReportEvents"})

    def stop(self, page: Page) -> list[dict[str, Any]]:
        """All events."""
        done: list[object] = []
        self._session.once("Tracing.tracingComplete", lambda data: done.extend([data]))
        self._session.send("Tracing.end")
        while not done:
            page.wait_for_timeout(20)
        return self.events


def keys_of(events: list[dict[str, Any]]) -> list[Key]:
    """What each key of a trace took; its frame is the first one that the page commits after it."""
    dispatched = [event for event in events if event["name"] == "EventDispatch"]
    threads = {(event["pid"], event["tid"]) for event in dispatched}
    mine = [event for event in events if (event["pid"], event["tid"]) in threads]
    downs = sorted(
        event["ts"] for event in dispatched if event["args"]["data"]["type"] == "keydown"
    )
    tasks = [event for event in mine if event["name"] == "RunTask"]
    commits = sorted(
        event["ts"] + event.get("dur", 0) for event in mine if event["name"] == "Commit"
    )
    found = []
    for down in downs:
        frame = next((at for at in commits if at > down), None)
        if frame is not None:
            work = sum(_inside(task, down, frame) for task in tasks)
            found.append(Key(work / 1000, (frame - down) / 1000))
    return found


def _inside(task: dict[str, Any], start: float, end: float) -> float:
    """The processor time of a task that lies between two times, in microseconds."""
    begin, length = task["ts"], task.get("dur", 0)
    share = min(end, begin + length) - max(start, begin)
    return task.get("tdur", length) * share / length if length and share > 0 else 0


def type_keys(page: Page, count: int) -> None:
    """Type as a writer does: words, a line now and then, a pause to think."""
    draw = random.Random(2)
    typed = ""
    while len(typed) < count:
        typed += draw.choice(_WORDS) + " "
    is_text = page.evaluate("() => document.activeElement.tagName !== 'TEXTAREA'")
    for number, key in enumerate(typed[:count]):
        is_end = number % 71 == 70 and is_text
        page.keyboard.press("Enter" if is_end else "Space" if key == " " else key)
        time.sleep(0.7 if number % 29 == 28 else _KEY_PAUSE)


def press_often(page: Page, key: str, count: int) -> None:
    """The same key, as fast as one who leafs through a story."""
    for _ in range(count):
        page.keyboard.press(key)
        time.sleep(_KEY_PAUSE)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "max": round(ordered[-1], 1),
    }


def wait(page: Page, expression: str) -> float:
    """Poll until something holds; gives the milliseconds since the call."""
    start = time.perf_counter()
    while not page.evaluate(expression):
        if time.perf_counter() - start > _PATIENCE:
            raise TimeoutError(f"The page does not come to: {expression}")
        page.wait_for_timeout(2)
    return round(1000 * (time.perf_counter() - start), 1)


def command(page: Page, name: str) -> None:
    """Run a command of the palette."""
    page.keyboard.press("Control+k")
    page.keyboard.insert_text(name)
    page.keyboard.press("Enter")


class Bench:
    """A page with a long story, and what is measured on it."""

    def __init__(self, page: Page, address: str, trace: Path | None) -> None:
        self._page = page
        self._address = address
        self._trace = trace
        profile = ("disabled-by-default-v8.cpu_profiler",) if trace else ()
        session = page.context.new_cdp_session(page)
        self._tracer = Tracer(session, (*_CATEGORIES, *profile))

    def open(self, scale: Scale) -> dict[str, float]:
        """Opening the story: until something is painted, and until one can type."""
        page = self._page
        story = make_story(self._address, scale)
        page.goto(f"{self._address}/#/s/{story}", wait_until="commit")
        ready = wait(page, "() => (window.__app?.text().length ?? 0) > 1000")
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        wait(page, f"() => {paint} > 0")
        page.wait_for_timeout(2000)
        return {"first_paint": round(page.evaluate(f"() => {paint}"), 1), "open": ready}

    def keys(self, name: str, press: Callable[[], None]) -> dict[str, Any]:
        """What keys cost that are pressed meanwhile."""
        self._page.wait_for_timeout(1500)
        self._tracer.start()
        press()
        events = self._tracer.stop(self._page)
        if self._trace:
            path = self._trace.with_suffix(f".{name}.json")
            path.write_text(json.dumps(events), encoding="utf-8")
        found = keys_of(events)
        work, painted = [key.work for key in found], [key.painted for key in found]
        return {"keys": len(found), "work": spread(work), "painted": spread(painted)}

    def places(self, num_keys: int) -> dict[str, Any]:
        """Typing at the end, in the middle and in the box of a chat; leafing."""
        page = self._page
        at_end = self.keys("end", lambda: type_keys(page, num_keys))
        page.keyboard.press("Control+Home")
        leafing = self.keys("leafing", lambda: press_often(page, "PageDown", 40))
        middle = self.keys("middle", lambda: type_keys(page, num_keys))
        return {"end": at_end, "leafing": leafing, "middle": middle}

    def box(self, num_keys: int) -> dict[str, Any]:
        """Typing in the box of the same text as a chat."""
        page = self._page
        command(page, "Mode: Chat")
        page.get_by_role("textbox", name="Say or do something").focus()
        return self.keys("box", lambda: type_keys(page, num_keys))

    def acts(self) -> dict[str, float]:
        """Finding a word, a step back and a branch, until each is to be seen."""
        page = self._page
        page.keyboard.press("Control+f")
        page.keyboard.type("knocked")
        page.keyboard.press("Enter")
        root = "document.querySelector('.editor').shadowRoot"
        found = wait(page, f"() => {root}.querySelector('.cm-searchMatch-selected') !== null")
        page.keyboard.press("Escape")
        length = page.evaluate("() => window.__app.text().length")
        page.keyboard.press("Control+z")
        undone = wait(page, f"() => window.__app.text().length !== {length}")
        address = page.url
        command(page, "Branch here")
        branched = wait(page, f"() => location.href !== '{address}'")
        return {"find": found, "undo": undone, "branch": branched}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=150_000)
    parser.add_argument("--pieces", type=int, default=2000)
    parser.add_argument("--entries", type=int, default=300)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--trace", type=Path)
    wanted = parser.parse_args()
    scale = Scale(wanted.words, wanted.pieces, wanted.entries)
    path = os.environ.get("COBLYN_CHROMIUM") or shutil.which("chromium")
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        bench = Bench(page, address, wanted.trace)
        result = bench.open(scale) | bench.places(wanted.keys)
        print(json.dumps(result))
        result |= bench.acts() | {"box": bench.box(wanted.keys)}
        print(json.dumps(result))
        browser.close()


if __name__ == "__main__":
    main()
