"""The effect of samplers on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ui.desk import PROMPT, generate, open_panel, text, write
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow


def test_a_slider_shows_what_it_does_to_the_next_token(page: Page) -> None:
    write(page, PROMPT)
    open_panel(page, "Sampler")
    effect = page.get_by_role("region", name="The next token")
    rows = effect.get_by_role("row")
    expect(rows.first).to_be_attached()
    best = effect.locator("tbody tr").first
    expect(best.locator("th")).to_have_text("T")
    before = best.locator(".share").text_content()
    page.get_by_label("Temperature", exact=True).fill("2")
    page.get_by_label("Temperature", exact=True).blur()
    expect(best.locator(".share")).not_to_have_text(str(before))
    page.get_by_label("Top-k", exact=True).fill("2")
    page.get_by_label("Top-k", exact=True).blur()
    expect(effect).to_contain_text("2 of 256 candidates left.")
    expect(effect.locator("tbody tr.gone")).to_have_count(10)
    effect.get_by_label("Which sampler").select_option("temperature")
    expect(effect).to_contain_text("2 of 2 candidates left.")
    assert_accessible(page)
    assert text(page) == PROMPT
    assert generate(page).startswith(PROMPT)
