"""The page as an app of its own: what a browser asks of a page before it offers to install it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ui.conftest import REPORT_VIOLATIONS, serving
from ui.desk import button

pytestmark = pytest.mark.slow

KEY = "a-key-of-twenty-letters"
FETCH = """async (address) => {
  const answer = await fetch(address);
  return [answer.status, answer.headers.get("content-type")];
}"""


def test_can_be_installed_with_a_key(
    browser: Browser, built_page: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser fetches the manifest without the key that it was given for the page, unless the page says so."""
    monkeypatch.setenv("COBLYN_API_KEY", KEY)
    context = browser.new_context(http_credentials={"username": "any", "password": KEY})
    context.add_init_script(REPORT_VIOLATIONS)
    with serving(tmp_path, ("serve", "--fake", "--require-key", "--port", "0")) as address:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(address)
        expect(button(page, "Generate")).to_be_visible()
        tools = context.new_cdp_session(page)
        with page.expect_response("**/manifest.webmanifest") as response:
            found = tools.send("Page.getAppManifest")
        assert response.value.headers["content-type"] == "application/manifest+json"
        assert found["errors"] == []
        manifest = json.loads(found["data"])
        assert manifest["display"] == "standalone"
        for icon in manifest["icons"]:
            assert page.evaluate(FETCH, icon["src"]) == [200, icon["type"]]
        errors = tools.send("Page.getInstallabilityErrors")["installabilityErrors"]
        # A context of these tests is a private window, where nothing can be installed.
        assert [error for error in errors if error["errorId"] != "in-incognito"] == []
        assert complaints == []
        context.close()


def test_the_window_has_the_colour_of_the_theme(page: Page) -> None:
    def colours() -> list[str | None]:
        metas = page.locator("meta[name='theme-color']")
        return [meta.get_attribute("content") for meta in metas.all()]

    light, dark = "#faf7f0", "#191714"
    assert colours() == [light, dark]
    for theme, expected in (("Dark", [dark, dark]), ("Light", [light, light])):
        button(page, "View").click()
        page.get_by_label("Theme").select_option(label=theme)
        page.keyboard.press("Escape")
        assert colours() == expected
        paper = page.locator("html").evaluate(
            "(root) => getComputedStyle(root).getPropertyValue('--paper')"
        )
        assert [paper, paper] == expected
