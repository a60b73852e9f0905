"""The page of the APIs in a browser: found by words, tried, stopped, read aloud."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from ui.conftest import REPORT_VIOLATIONS
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow


def test_routes_are_found_and_tried(browser: Browser, server_url: str) -> None:
    with browser.new_context() as context:
        context.add_init_script(REPORT_VIOLATIONS)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server_url}/docs")
        page.get_by_label("Find").fill("/api/v1/generate whole")
        route = page.locator("details:visible")
        expect(route).to_have_count(1)
        route.locator("summary").click()
        send(page, "200", '"results"')
        assert_accessible(page)
        route.get_by_label("Body").fill("{")
        complaints_before = len(complaints)
        send(page, "400", "JSON")
        assert all("400" in text for text in complaints[complaints_before:])
        del complaints[complaints_before:]
        page.get_by_label("Find").fill("/api/extra/generate/stream each piece")
        route.locator("summary").click()
        send(page, "200", "data: ")
        assert complaints == []


def send(page: Page, status: str, text: str) -> None:
    """Send what is open, and wait for its answer."""
    route = page.locator("details:visible")
    route.get_by_role("button", name="Send").click()
    expect(route.locator("output")).to_contain_text(status)
    expect(route.locator("pre")).to_contain_text(text)
    expect(route.get_by_role("button", name="Send")).to_be_enabled()
