"""Makes the picture of the page for the README.

``python tests/ui/picture.py http://127.0.0.1:5001`` takes it of a server that runs; without an
address it is of a scripted engine, and says so. ``src`` and ``tests`` have to be on the path.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from coblyn.engine.fake import FakeRunner
from coblyn.engine.interface import ModelInfo
from live_server import serve
from ui.conftest import ARGUMENTS, chromium
from ui.desk import button, open_panel, text, wait, wait_until_idle

TARGET = Path(__file__).parents[2] / "docs" / "images" / "page.png"

PIECE = (
    " So she moved her lips without a sound, and at the ninetieth rung somebody else said the"
    " number for her. It came from behind the rock: a small, dry voice, patient as water.\n\n"
    "\N{LEFT DOUBLE QUOTATION MARK}Ninety,\N{RIGHT DOUBLE QUOTATION MARK} it said, and knocked"
    " three times, where the metal was."
)


class Scripted(FakeRunner):
    """The scripted engine under a name for people."""

    @property
    def info(self) -> ModelInfo:
        """What the page shows of it."""
        return dataclasses.replace(
            super().info, name="Scripted engine", accelerator="no model: a script answers"
        )


def main(address: str | None) -> None:
    """Take the picture."""
    if address:
        return take(address, length=110)
    with serve(lambda: Scripted(script=PIECE, seconds_a_step=0.01)) as own:
        take(own, length=300)
    return None


def take(address: str, *, length: int) -> None:
    """Write, generate, and take the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.goto(address)
        wait(page, lambda: text(page) != "", "the sample story of a first visit")
        open_panel(page, "Sampler")
        page.get_by_label("Seed", exact=True).fill("7")
        page.get_by_label("Length", exact=True).fill(str(length))
        page.get_by_label("Length", exact=True).blur()
        open_panel(page, "Story")
        page.get_by_label("Memory").fill(
            "A fireside tale from a Welsh mining valley, dry and kind."
        )
        button(page, "Generate").click()
        wait_until_idle(page)
        page.wait_for_timeout(1000)
        page.mouse.move(0, 0)
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
