"""Signs that take two units, and line ends of two signs: the page's text is the journal's, wherever one writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

import patient
from ui.conftest import NewPage
from ui.desk import button, editor, paste, runs, text, wait, wait_until_saved, write

pytestmark = pytest.mark.slow

FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
FLAG = "\N{REGIONAL INDICATOR SYMBOL LETTER F}\N{REGIONAL INDICATOR SYMBOL LETTER R}"
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
ACCENTED = "e\u0301\u0323"
HARD = [FAMILY, FLAG, HEBREW, ACCENTED, "\N{CJK UNIFIED IDEOGRAPH-20000}", "\N{GRINNING FACE}"]


def stored(address: str, story: str) -> dict[str, Any]:
    """The main branch on the server, folded from its journal."""
    answer = httpx.get(f"{address}/api/coblyn/stories/{story}", timeout=30).json()
    return dict(answer["state"]["branches"]["main"])


def story_of(address: str, words: str) -> str:
    """A story that another program made."""
    edit = {"kind": "edit", "branch": "main", "changes": [{"from": 0, "to": 0, "insert": words}]}
    body = {"operations": [{**edit, "id": "a", "unit": "a"}]}
    return str(patient.post(f"{address}/api/coblyn/stories", json=body).json()["id"])


def press(page: Page, keys: Sequence[str]) -> None:
    for key in keys:
        page.keyboard.press(key)


def agree(page: Page, address: str, story: str) -> str:
    """The text that both have, once all is acknowledged."""
    wait_until_saved(page)
    found = stored(address, story)
    assert found["text"] == text(page)
    assert sum(length for length, _ in found["runs"]) == sum(length for length, _ in runs(page))
    return str(found["text"])


def test_line_ends_of_two_signs_move_nothing(new_page: NewPage, server_url: str) -> None:
    story = story_of(server_url, "One\r\ntwo\r\n\r\nthree\rfour")
    page = new_page(f"{server_url}/#/s/{story}")
    write(page, "!")
    press(page, ["Control+Home", "ArrowDown"])
    page.keyboard.type("x")
    assert agree(page, server_url, story) == "One\r\nxtwo\r\n\r\nthree\rfour!"
    press(page, ["Control+z", "Control+z", "Control+End"])
    paste(page, "five\r\nsix")
    assert agree(page, server_url, story) == "One\r\ntwo\r\n\r\nthree\rfourfive\nsix"


def test_one_emoji_becomes_another_that_shares_a_unit(new_page: NewPage, server_url: str) -> None:
    story = story_of(server_url, "A \N{GRINNING FACE} smiles.")
    page = new_page(f"{server_url}/#/s/{story}")
    editor(page).click()
    # As an input method or a spelling checker does it: by the text on screen.
    editor(page).evaluate(
        """(element) => {
          const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
          const node = walker.nextNode();
          node.data = node.data.replace("\\u{1f600}", "\\u{1f601}");
        }"""
    )
    after = "A \N{GRINNING FACE WITH SMILING EYES} smiles."
    wait(page, lambda: text(page) == after, "the other emoji")
    assert agree(page, server_url, story) == after
    page.keyboard.press("Control+z")
    wait(page, lambda: text(page) == "A \N{GRINNING FACE} smiles.", "the step back")
    agree(page, server_url, story)


def test_hard_signs_are_typed_rubbed_out_and_stepped_over(page: Page, server_url: str) -> None:
    story = page.url.rpartition("/s/")[2].partition("/")[0]
    write(page, " ".join(HARD))
    for sign in HARD:
        agree(page, server_url, story)
        press(page, ["Home", "ArrowRight"])
        page.keyboard.insert_text(sign)
        agree(page, server_url, story)
        press(page, ["Backspace", "End", "Backspace"])
        page.keyboard.insert_text(sign)
        press(page, ["ArrowLeft", "Delete", "Control+z"])
        wait(page, lambda: page.evaluate("() => window.__app.isSaved()"), "the step back")
        agree(page, server_url, story)
    assert "\ufffd" not in text(page)


def test_two_tabs_count_alike_behind_hard_signs(new_page: NewPage, server_url: str) -> None:
    story = story_of(server_url, "\n\n".join(f"{sign} one {sign}" for sign in HARD))
    one = new_page(f"{server_url}/#/s/{story}")
    other = new_page(f"{server_url}/#/s/{story}", context=one.context)
    press_at = {one: "Control+Home", other: "Control+End"}
    for page, key in press_at.items():
        editor(page).focus()
        page.keyboard.press(key)
    for number in range(6):
        for page in press_at:
            page.keyboard.insert_text(HARD[number] + str(number))
    for page in press_at:
        wait_until_saved(page)
    wait(one, lambda: text(one) == text(other), "the other's words")
    found = agree(one, server_url, story)
    assert found.startswith(HARD[0] + "0")
    assert found.endswith(HARD[5] + "5")
    one.bring_to_front()
    button(one, "Undo").click()
    wait(one, lambda: text(one) != found, "the step back")
    wait(other, lambda: text(one) == text(other), "the step back")
    agree(one, server_url, story)


def test_a_turn_gets_another_emoji(new_page: NewPage, server_url: str) -> None:
    story = story_of(server_url, "You: Hi \N{GRINNING FACE}\n")
    page = new_page(f"{server_url}/#/s/{story}")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("Mode: Chat")
    page.keyboard.press("Enter")
    turn = page.get_by_role("article").first
    turn.get_by_role("button", name="Actions").click()
    button(page, "Edit").click()
    field = turn.get_by_role("textbox")
    field.fill("Hi \N{GRINNING FACE WITH SMILING EYES}")
    field.press("Control+Enter")
    found = agree(page, server_url, story)
    assert found == "You: Hi \N{GRINNING FACE WITH SMILING EYES}\n"
