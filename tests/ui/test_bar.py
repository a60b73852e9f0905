"""The buttons of the bar in every state of a story: which are there, and which can be pressed."""

from __future__ import annotations

import math

import pytest
from playwright.sync_api import Page, expect

from live_server import serve
from ui.conftest import NewPage
from ui.desk import (
    PROMPT,
    button,
    is_open,
    text,
    wait,
    wait_for_text,
    wait_until_idle,
    wait_until_saved,
    write,
)
from ui.gate import Gate, GatedRunner
from ui.test_surfaces import command

pytestmark = pytest.mark.slow

BAR = ("Generate", "Continue", "Stop", "Retry", "Undo", "Redo")
STATES = {
    "empty": {"Generate"},
    "written": {"Generate", "Undo"},
    "a piece": {"Generate", "Retry", "Undo"},
    "a step back": {"Generate", "Undo", "Redo"},
    "all steps back": {"Generate", "Redo"},
    "a step forth": {"Generate", "Undo", "Redo"},
    "all steps forth": {"Generate", "Retry", "Undo"},
    "being written": {"Stop", "Retry", "Undo"},
    "stopped": {"Generate", "Retry", "Undo"},
}


def pressable(page: Page) -> set[str]:
    tools = page.get_by_role("toolbar", name="Writing")
    found = tools.get_by_role("button", disabled=False)
    names = {label.split("\n")[0].strip() for label in found.all_inner_texts()}
    return names.intersection(BAR)


def reach(page: Page, state: str) -> None:
    """The next state, from the one before it in the table."""
    if state == "written":
        write(page, PROMPT)
    elif state == "a piece":
        button(page, "Generate").click()
        wait_until_idle(page)
    elif state == "a step back":
        button(page, "Undo").click()
        wait(page, lambda: text(page) == PROMPT, state)
    elif state == "all steps back":
        button(page, "Undo").click()
        wait(page, lambda: text(page) == "", state)
    elif state == "a step forth":
        button(page, "Redo").click()
        wait(page, lambda: text(page) == PROMPT, state)
    elif state == "all steps forth":
        button(page, "Redo").click()
        wait(page, lambda: text(page) != PROMPT, state)
    elif state == "being written":
        before = text(page)
        button(page, "Generate").click()
        wait_for_text(page, before)
    elif state == "stopped":
        button(page, "Stop").click()
        wait_until_idle(page)


def test_buttons_in_every_state(new_page: NewPage) -> None:
    gate = Gate()
    gate.let(math.inf)
    with serve(lambda: GatedRunner(gate=gate)) as address:
        page = new_page(address, viewport={"width": 1280, "height": 800})
        for state, wanted in STATES.items():
            if state == "being written":  # until it is stopped
                gate.shut()
                gate.let(10)
            reach(page, state)
            wait(page, lambda: pressable(page) == wanted, f"{state}: {wanted}")  # noqa: B023
        page.close()


def test_buttons_know_after_a_reload_which_steps_there_are(page: Page) -> None:
    for state in list(STATES)[:7]:
        reach(page, state)
        wait_until_saved(page)
        seen = text(page)
        page.reload()
        wait(page, lambda: text(page) == seen and is_open(page), state)  # noqa: B023
        assert pressable(page) == STATES[state], state


@pytest.mark.parametrize("mode", ["adventure", "chat", "instruct", "assistant"])
def test_modes_with_turns_send_and_continue(page: Page, mode: str) -> None:
    command(page, {"instruct": "Mode: Instructions"}.get(mode, f"Mode: {mode}"))
    expect(button(page, "Send")).to_be_visible()
    wait(page, lambda: "Generate" not in pressable(page), "no Generate")
    assert "Continue" in pressable(page)
