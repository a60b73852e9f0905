"""How the tests use the page: by its labels, and the story by its state, since only a part is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

PROMPT = "In the year the river froze, "


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Story")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def open_panel(page: Page, name: str) -> None:
    """Open a panel of the rail, by the palette, which every width has."""
    if page.get_by_role("complementary", name=name, exact=True).count():
        return
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name=name, exact=True)).to_be_visible()


def text(page: Page) -> str:
    return str(page.evaluate("() => window.__app.text()"))


def phase(page: Page) -> str:
    return str(page.evaluate("() => window.__app.phase()"))


def write(page: Page, words: str) -> None:
    editor(page).focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(words)


def paste(page: Page, *texts: str) -> None:
    """Paste a long text, which typing would take long for, or many, each a step of its own."""
    editor(page).evaluate(
        """(element, texts) => {
          for (const words of texts) {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", words);
            const how = { clipboardData, bubbles: true, cancelable: true };
            element.dispatchEvent(new ClipboardEvent("paste", how));
          }
        }""",
        texts,
    )


def wait(page: Page, holds: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Wait for the page; in Python, since its policy forbids it to evaluate text."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what} did not come; the story is {text(page)!r}"
        page.wait_for_timeout(20)


def wait_for_text(page: Page, more_than: str) -> None:
    wait(page, lambda: len(text(page)) > len(more_than) + 5, "text")


def wait_until_idle(page: Page) -> None:
    expect(button(page, "Generate")).to_be_visible()
    wait(page, lambda: phase(page) == "idle", "the end")


def generate(page: Page) -> str:
    """A whole piece; gives the story."""
    button(page, "Generate").click()
    wait_until_idle(page)
    return text(page)


def is_open(page: Page) -> bool:
    """Whether a story is shown."""
    return bool(page.evaluate("() => window.__app?.save()"))


def is_saved(page: Page) -> bool:
    """Whether the server has acknowledged all of it."""
    return bool(page.evaluate("() => window.__app.isSaved()"))


def wait_until_saved(page: Page) -> None:
    wait(page, lambda: is_saved(page), "the acknowledgement")


def runs(page: Page) -> list[tuple[int, bool]]:
    """Who wrote what: so many characters, and whether a model wrote them."""
    found = page.evaluate("() => window.__app.runs()")
    return [(length, piece != "") for length, piece in found]
