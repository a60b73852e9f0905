"""A story's past on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ui.desk import PROMPT, button, generate, text, wait, wait_until_saved, write
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow


def test_any_moment_can_be_seen_and_gone_on_from(page: Page) -> None:
    write(page, PROMPT)
    wait_until_saved(page)
    whole = generate(page)
    page.keyboard.insert_text(" The end.")
    wait_until_saved(page)
    button(page, "Branches").click()
    button(page, "Timeline").click()
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible()
    expect(page.get_by_text("The texts are the same.")).to_be_visible()
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("ins")).to_contain_text("The end.")
    assert "you wrote" in str(slider.get_attribute("aria-valuetext"))
    assert_accessible(page)
    button(page, "Go on from here").click()
    wait(page, lambda: text(page) == PROMPT, "the text of then")
    wait_until_saved(page)
    story = page.url.split("/")[-2]
    address = f"{page.url.split('/#')[0]}/api/coblyn/stories/{story}"
    branches = page.request.get(address).json()["state"]["branches"].values()
    assert {branch["text"] for branch in branches} == {PROMPT, whole + " The end."}
