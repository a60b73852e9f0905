"""What a model offers beside its text: alternatives to each token, and a continuation that is only shown."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    runs,
    text,
    wait,
    wait_until_idle,
    wait_until_saved,
    write,
)
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

SENTENCE = (
    "The lamp went out on the third level, and for a while there was only the sound of water. "
)


def command(page: Page, name: str) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill(name)
    page.keyboard.press("Enter")


def test_a_branch_grows_from_a_token_that_could_have_been(page: Page) -> None:
    command(page, "Probabilities")
    write(page, PROMPT)
    whole = generate(page)
    assert whole.startswith(PROMPT + SENTENCE)
    editor(page).focus()
    page.keyboard.press("Control+Home")
    for _ in range(len(PROMPT) + 3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+i")
    group = page.get_by_role("group", name="What could have stood here")
    expect(group).to_be_visible()
    others = group.locator("button:not(:disabled)")
    expect(others.first).to_be_focused()
    assert_accessible(page)
    chosen = others.first.text_content() or ""
    assert "%" in chosen
    page.keyboard.press("Escape")
    expect(group).to_have_count(0)
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Control+i")
    others.first.press("Enter")
    token = chosen.split("%  ")[1].replace("␣", " ").replace("↵", "\n")
    start = PROMPT + "The" + token
    wait(page, lambda: text(page).startswith(start) and "knocks" in text(page), "the branch")
    wait_until_idle(page)
    # The token and what followed it are one piece, which one step takes out.
    assert runs(page)[-1] == (len(text(page)) - len(PROMPT) - 3, True)
    button(page, "Undo").click()
    wait(page, lambda: text(page) == PROMPT + "The", "the step back")
    page.go_back()
    wait(page, lambda: text(page) == whole, "the branch before")


def test_words_of_a_take_have_their_chances(page: Page) -> None:
    command(page, "Probabilities")
    write(page, PROMPT)
    button(page, "More ways to continue").click()
    button(page, "Write 2 takes").click()
    expect(page.locator(".takes")).to_be_visible()
    expect(button(page, "Stop all")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait(page, lambda: text(page).startswith(PROMPT + "The lamp"), "the sentence")
    editor(page).focus()
    page.keyboard.press("Control+Home")
    for _ in range(len(PROMPT) + 3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+i")
    expect(page.get_by_role("group", name="What could have stood here")).to_be_visible()


def test_a_suggestion_is_taken_by_the_word_the_sentence_or_not(page: Page) -> None:
    write(page, PROMPT)
    page.keyboard.press("Alt+Enter")
    expect(page.locator(".ghost")).to_contain_text("The lamp went out")
    wait_until_idle(page)
    assert text(page) == PROMPT
    expect(page.locator(".status")).to_contain_text("Tab: a sentence.")
    assert_accessible(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert text(page) == PROMPT + "The lamp"
    page.keyboard.press("Tab")
    wait(page, lambda: len(text(page)) > len(PROMPT) + 20, "the sentence")
    expect(editor(page)).to_be_focused()
    assert [is_model for _, is_model in runs(page)] == [False, True]
    wait_until_saved(page)
    page.keyboard.press("Control+z")
    wait(page, lambda: text(page) == PROMPT, "one step for all of it")
    page.keyboard.press("Alt+Enter")
    expect(page.locator(".ghost")).to_have_count(1)
    wait_until_idle(page)
    page.keyboard.press("Escape")
    expect(page.locator(".ghost")).to_have_count(0)
    page.keyboard.press("Alt+Enter")
    expect(page.locator(".ghost")).to_have_count(1)
    page.keyboard.type("x")
    expect(page.locator(".ghost")).to_have_count(0)
    wait_until_idle(page)
    assert text(page) == PROMPT + "x"


def answer(page: Page, words: str) -> None:
    """Have the engine write exactly these words."""

    def constrained(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        body["grammar"] = f"root ::= {json.dumps(words)}"
        route.continue_(post_data=json.dumps(body))

    page.route("**/api/extra/generate/stream", constrained)


def test_a_suggestion_may_begin_with_a_line_break_and_ends_with_its_paragraph(page: Page) -> None:
    answer(page, "\n\nGwen went down.\nNobody answered.")
    write(page, "The lamp went out.")
    page.keyboard.press("Alt+Enter")
    expect(page.locator(".ghost")).to_contain_text("Gwen went down.")
    wait_until_idle(page)
    expect(page.get_by_text("The model had nothing to add.")).to_have_count(0)
    expect(page.locator(".ghost")).to_have_text("\n\nGwen went down.", use_inner_text=True)
    page.keyboard.press("Control+Enter")
    assert text(page) == "The lamp went out.\n\nGwen went down."
