"""What each key and each button of the bar does in each state of the page, as one table."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

import patient
from live_server import serve
from ui.conftest import NewPage
from ui.desk import PROMPT, editor, is_open, phase, text, wait
from ui.gate import Gate, GatedRunner

pytestmark = pytest.mark.slow

PIECE = "the men went on."
WHOLE = PROMPT + PIECE
BAR = (
    *("Generate", "Generate (waits)", "Stop", "Retry", "Undo", "Redo"),
    *("Start again", "What happened", "Choose a model"),
)
WRITING = ("Control+Enter", "Control+Shift+Enter", "Control+Alt+Enter", "Alt+Enter")
OPENING = {"Control+k": "palette", "Control+/": "keys", "Control+f": "find"}
#: What of a server's health each state has.
HEALTHS = {
    "stopped": {"status": "stopped", "failure": "The engine stopped: out of memory."},
    "loading": {"status": "loading", "loaded": 0.6},
    "restarting": {"status": "restarting"},
    "no model": {"status": "unloaded", "model": ""},
}


def of_writing(*effects: str) -> dict[str, str]:
    return dict(zip(WRITING, effects, strict=True))


LOOK = "() => document.dispatchEvent(new Event('visibilitychange'))"
SEEN = """() => {
  const root = document.querySelector(".editor")?.shadowRoot;
  const count = (selector) => document.querySelectorAll(selector).length;
  return {
    phase: window.__app.phase().replace("reading", "sending"),
    text: window.__app.text(),
    palette: count("#commands"),
    keys: [...document.querySelectorAll(".popover .box")].filter(
      (box) => box.textContent.includes("Next part of the page"),
    ).length,
    find: root?.querySelectorAll(".cm-search").length ?? 0,
    sheet: count("main.sheet"),
    takes: count("section.takes"),
    ghost: root?.querySelector(".ghost")?.textContent ?? "",
    why: count(".notice"),
    "at the text": Boolean(root?.activeElement),
  };
}"""


AT_REST = {
    "phase": "idle",
    "text": WHOLE,
    "palette": 0,
    "keys": 0,
    "find": 0,
    "sheet": 0,
    "takes": 0,
    "ghost": "",
    "why": 0,
    "at the text": True,
}
RUNNING = of_writing("-", "-", "-", "-") | OPENING | {"Control+y": "-", "Escape": "stops"}
COVERED = of_writing("-", "-", "-", "-") | {"Escape": "closes"}
LATER = {"Control+k": "palette", "Control+z": "steps"}
ABSENT = of_writing("why", "why", "why", "why") | LATER
COMING = of_writing("waits", "waits", "why", "why") | LATER
#: Of each state the buttons that can be pressed, and what keys do, those that end it last.
STATES: dict[str, tuple[set[str], dict[str, str]]] = {
    "at rest": (
        {"Generate", "Retry", "Undo"},
        of_writing("asks", "asks", "takes", "asks")
        | OPENING
        | {"Escape": "-", "ArrowRight": "-", "Tab": "leaves", "F6": "leaves", "Control+z": "steps"},
    ),
    "writing": (
        {"Stop", "Retry", "Undo"},
        RUNNING | {"Control+Shift+Enter": "asks", "Control+z": "takes back"},
    ),
    "reading the prompt": ({"Stop", "Undo"}, RUNNING | {"Control+z": "stops"}),
    "waiting for its turn": ({"Stop", "Undo"}, {"Control+Enter": "-", "Escape": "stops"}),
    "a suggestion": (
        {"Stop", "Undo"},
        of_writing("accepts", "-", "-", "asks")
        | {"ArrowRight": "accepts", "Tab": "accepts", "Escape": "dismisses"},
    ),
    "the palette": ({"Generate", "Retry", "Undo"}, COVERED | {"Control+k": "closes"}),
    "a sheet": (set(), COVERED | {"Control+k": "palette"}),
    "server gone": ({"Undo"}, ABSENT),
    "stopped": ({"Start again", "What happened", "Undo"}, ABSENT),
    "no model": ({"Choose a model", "Undo"}, ABSENT),
    "loading": ({"Generate (waits)", "Retry", "Undo"}, COMING),
    "restarting": ({"Generate (waits)", "Retry", "Undo"}, {"Control+Enter": "waits"}),
    "nothing can be saved": (
        {"Generate", "Retry", "Redo"},
        of_writing("why", "why", "why", "why")
        | {"Control+k": "palette", "Control+z": "-", "Control+y": "steps"},
    ),
    "a story that cannot be read": (
        set(),
        of_writing("-", "-", "-", "-") | {"Control+z": "-", "Control+k": "palette"},
    ),
}


@dataclass
class Desk:
    """A page in one of the states.

    Attributes:
        page: The page.
        gate: Of the engine's tokens.
        url: The server's address.
        asked: The requests that generate.
    """

    page: Page
    gate: Gate
    url: str
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(sent: Any) -> None:
            if sent.url.endswith("generate/stream"):
                self.asked.append(sent.url)

        self.page.on("request", note)

    def reach(self, state: str) -> None:
        """Be at rest again, and then in a state."""
        page = self.page
        if state != "a story that cannot be read":
            self.rest()
        if state in ("writing", "reading the prompt", "waiting for its turn"):
            num_asked = len(self.asked)
            page.keyboard.press("Control+Enter")
            wait(page, lambda: len(self.asked) > num_asked, state)
        if state == "writing":
            self.gate.let(10)
            wait(page, lambda: len(text(page)) == len(WHOLE) + 10, state)
        elif state == "a suggestion":
            page.keyboard.press("Alt+Enter")
            self.gate.let(10)
            expect(page.locator(".ghost")).to_have_text("The lamp w")
        elif state == "the palette":
            page.keyboard.press("Control+k")
        elif state == "a sheet":
            page.keyboard.press("Control+k")
            page.keyboard.insert_text("8")
            expect(page.locator("main.sheet")).to_be_visible()

    def rest(self) -> None:
        """Nothing is open, nothing runs, and the text is as at first, with the focus at its end."""
        page, seen = self.page, self.seen()
        if all(seen[name] == value for name, value in AT_REST.items()):
            return
        for _ in range(4):
            page.keyboard.press("Escape")
        wait(page, lambda: phase(page) == "idle", "rest")
        takes = page.locator("section.takes")
        if takes.count():
            expect(page.get_by_text("writing", exact=True)).to_have_count(0)
            takes.focus()
            page.keyboard.press("Escape")
            expect(takes).to_have_count(0)
        editor(page).focus()
        if text(page) != WHOLE:
            page.keyboard.press("Control+y" if len(text(page)) < len(WHOLE) else "Control+z")
            wait(page, lambda: text(page) == WHOLE, "the text")
        page.keyboard.press("Control+End")
        for close in page.get_by_role("button", name="Close this message").all():
            close.click()

    def seen(self) -> dict[str, Any]:
        """What a key may change."""
        return {"asked": len(self.asked), **self.page.evaluate(SEEN)}


def has_happened(effect: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether what a key changed is its effect, and nothing else."""
    changed = {name for name in after if after[name] != before[name]}
    is_longer = len(after["text"]) > len(before["text"])
    tests: dict[str, Callable[[], bool]] = {
        "-": lambda: not changed,
        "asks": lambda: after["asked"] == before["asked"] + 1 and after["phase"] != "idle",
        "takes": lambda: after["takes"] == 1 and after["asked"] == before["asked"] + 3,
        "stops": lambda: changed == {"phase"} and after["phase"] == "idle",
        "takes back": lambda: changed == {"phase", "text"} and after["text"] == WHOLE,
        "waits": lambda: changed == {"phase"} and after["phase"] == "sending",
        "why": lambda: changed == {"why"} and after["why"] > before["why"],
        "steps": lambda: changed == {"text"},
        "leaves": lambda: changed == {"at the text"},
        "accepts": lambda: is_longer and after["asked"] == before["asked"],
        "dismisses": lambda: after["ghost"] == "" and after["text"] == before["text"],
        "closes": lambda: bool(changed & {"palette", "sheet"}) and not after["palette"],
    }
    if effect in OPENING.values():
        return effect in changed and changed <= {effect, "at the text"}
    return tests[effect]()


def press(desk: Desk, key: str, effect: str) -> str:
    """Press a key; gives what else than its effect came of it, or an empty string."""
    page, before = desk.page, desk.seen()
    page.keyboard.press(key)
    if effect == "-":
        page.wait_for_timeout(30)  # nothing is waited for: what comes at once is seen
    is_so = has_happened(effect, before, desk.seen())
    if is_so or (effect != "-" and holds(page, lambda: has_happened(effect, before, desk.seen()))):
        return ""
    after = desk.seen()
    changed = {name: (before[name], after[name]) for name in after if after[name] != before[name]}
    return f"{effect} did not come, but {changed}"


def is_over(desk: Desk, state: str) -> bool:
    """Whether nothing is left of a state that has passed by itself, and what waited for it has been sent."""
    buttons = pressable(desk.page)
    has_sent = bool(desk.asked) if state == "restarting" else "Generate" in buttons
    return has_sent and desk.seen()["why"] == 0 and not buttons & {"Start again", "Choose a model"}


def holds(page: Page, is_so: Callable[[], bool]) -> bool:
    """Whether it is so after a while."""
    end = time.monotonic() + 15
    while not is_so() and time.monotonic() < end:
        page.wait_for_timeout(20)
    return is_so()


def pressable(page: Page) -> set[str]:
    if page.locator("footer[inert]").count():
        return set()
    tools = page.get_by_role("toolbar", name="Writing")
    buttons = tools.get_by_role("button", disabled=False)
    labels = buttons.all_inner_texts()
    return {label.split("\n")[0].strip() for label in labels}.intersection(BAR)


def edit(name: str, at: int, words: str, piece: str = "") -> dict[str, Any]:
    change = {"from": at, "to": at, "insert": words, **({"piece": piece} if piece else {})}
    return {"id": name, "unit": name, "kind": "edit", "branch": "main", "changes": [change]}


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def url(gate: Gate) -> Iterator[str]:
    with serve(lambda: GatedRunner(gate=gate, max_running=4)) as address:
        yield address
        gate.let(math.inf)


def open_desk(new_page: NewPage, url: str, gate: Gate, state: str, held: ExitStack) -> Desk:
    """A page with a short story and one piece, over a server that is in a state."""
    operations = [edit("o1", 0, PROMPT), edit("o2", len(PROMPT), PIECE, "p1")]
    stories = f"{url}/api/coblyn/stories"
    story = patient.post(stories, json={}).json()["id"]
    body = {"base": 0, "author": "", "operations": operations}
    assert patient.post(f"{stories}/{story}/operations", json=body).is_success
    page = new_page(f"{url}/#/s/{story}", viewport={"width": 1280, "height": 800})
    page.expected = ["Failed to load resource"]  # type: ignore[attr-defined]
    wait(page, lambda: text(page) == WHOLE, "the story")
    desk = Desk(page, gate, url)
    health = "**/health?quiet=1"
    if state in HEALTHS:
        said = patient.get(f"{url}/health?quiet=1").json() | HEALTHS[state]
        page.route(health, lambda route: route.fulfill(json=said))
    elif state == "server gone":
        page.route(health, lambda route: route.abort())
    elif state == "waiting for its turn":
        for _ in range(4):
            held.enter_context(patient.stream("POST", f"{url}/v1/completions", json=OTHER))
    elif state == "nothing can be saved":
        page.route("**/operations", no_room)
        editor(page).focus()
        page.keyboard.press("Control+Home")
        page.keyboard.insert_text("*")
        expect(page.get_by_text("Not saved: the disk is full")).to_be_visible()
        page.keyboard.press("Control+z")
    elif state == "a story that cannot be read":
        page.route(f"**/stories/{story}*", damaged)
        page.reload()
        expect(page.get_by_text("could not be opened")).to_be_visible()
    page.evaluate(LOOK)
    return desk


OTHER = {"prompt": "a", "max_tokens": 500, "stream": True}


def no_room(route: Route) -> None:
    error = {"code": "disk_full", "message": "There is no room. Free some space."}
    route.fulfill(status=507, json={"error": error})


def damaged(route: Route) -> None:
    error = {"code": "story_damaged", "message": "Record 2 does not match its checksum."}
    body = json.dumps({"error": error, "readable": 1})
    route.fulfill(status=500, content_type="application/json", body=body)


def test_every_key_and_button_in_every_state(new_page: NewPage, url: str, gate: Gate) -> None:
    wrong: list[str] = []
    for state, (buttons, keys) in STATES.items():
        with ExitStack() as held:
            desk = open_desk(new_page, url, gate, state, held)
            desk.reach(state)
            if not holds(desk.page, lambda: pressable(desk.page) == buttons):  # noqa: B023
                wrong.append(f"{state}: {pressable(desk.page)} can be pressed, not {buttons}")
            for key, effect in keys.items():
                desk.reach(state)
                if told := press(desk, key, effect):
                    wrong.append(f"{state}, {key}: {told}")
            if state in HEALTHS or state == "server gone":
                desk.page.unroute("**/health?quiet=1")
                desk.page.evaluate(LOOK)
                if not holds(desk.page, lambda: is_over(desk, state)):  # noqa: B023
                    wrong.append(f"{state}: {desk.seen()} when it is over")
            if is_open(desk.page):
                desk.rest()
            desk.page.close()
    assert not wrong, "\n".join(wrong)
