"""What a finger does that has no keys: swipes, and buttons for what else is a key."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from ui.conftest import NewPage
from ui.desk import PROMPT, button, generate, phase, text, wait, wait_until_idle, write
from ui.test_modes import cards, open_story
from ui.test_surfaces import assert_in_reach

pytestmark = pytest.mark.slow

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 800},
    "has_touch": True,
    "is_mobile": True,
}


def swipe(page: Page, over: Locator, to: tuple[int, int]) -> None:
    """A finger goes from the middle of something by this many pixels."""
    box = over.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    browser = page.context.new_cdp_session(page)
    steps = [{"x": x + to[0] * part / 8, "y": y + to[1] * part / 8} for part in range(9)]
    for kind, points in [
        ("touchStart", steps[:1]),
        *(("touchMove", [step]) for step in steps[1:]),
        ("touchEnd", []),
    ]:
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    browser.detach()


def open_takes(page: Page) -> Locator:
    """Three takes, of which a phone shows one at a time."""
    write(page, PROMPT)
    button(page, "More ways to continue").tap()
    button(page, "Write 3 takes").tap()
    expect(page.get_by_role("heading", name="Take 1 of 3")).to_be_visible()
    expect(button(page, "Stop all")).to_have_count(0)
    return page.get_by_role("article")


def test_a_finger_goes_through_takes_and_uses_one_sentence(
    new_page: NewPage, server_url: str
) -> None:
    page = new_page(server_url, **PHONE)
    take = open_takes(page)
    expect(take).to_have_count(1)
    swipe(page, take, (-120, 10))
    expect(page.get_by_role("heading", name="Take 2 of 3")).to_be_visible()
    swipe(page, take, (120, -10))
    expect(page.get_by_role("heading", name="Take 1 of 3")).to_be_visible()
    swipe(page, take, (-30, -120))
    expect(page.get_by_role("heading", name="Take 1 of 3")).to_be_visible()
    expect(button(page, "Only this sentence")).to_have_count(0)
    sentences = take.locator("p span")
    second = sentences.nth(1).text_content()
    sentences.nth(1).tap()
    button(page, "Only this sentence").tap()
    wait(page, lambda: text(page) == PROMPT + str(second), "the sentence")
    expect(take).to_have_count(0)
    button(page, "Undo").tap()
    wait(page, lambda: text(page) == PROMPT, "the step back")


def test_a_finger_goes_through_the_takes_of_a_turn(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "chat", "You: Who is below?\n", *cards("Gwen"), **PHONE)
    button(page, "Send").tap()
    wait(page, lambda: "knocks" in text(page) and phase(page) == "idle", "the answer")
    button(page, "Retry").tap()
    expect(page.get_by_role("group", name="Take 2 of 2")).to_be_visible()
    turn = page.get_by_role("article", name="Gwen")
    swipe(page, turn, (120, 0))
    expect(page.get_by_role("group", name="Take 1 of 2")).to_be_visible()
    swipe(page, turn, (-120, 0))
    expect(page.get_by_role("group", name="Take 2 of 2")).to_be_visible()


@pytest.mark.parametrize("width", [390, 360])
def test_a_bar_with_takes_has_room_on_a_phone(
    new_page: NewPage, server_url: str, width: int
) -> None:
    page = new_page(server_url, **(PHONE | {"viewport": {"width": width, "height": 800}}))
    write(page, PROMPT)
    generate(page)
    button(page, "Retry").tap()
    expect(page.get_by_role("group", name="Take 2 of 2")).to_be_visible()
    wait_until_idle(page)
    assert_in_reach(page, "the desk")
    main = button(page, "Generate")
    assert main.evaluate("(button) => button.scrollWidth <= button.clientWidth")
