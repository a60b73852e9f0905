"""The page in a browser, against ``coblyn serve``."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from ui.conftest import NewPage
from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    is_saved,
    open_panel,
    paste,
    phase,
    text,
    wait,
    wait_for_text,
    wait_until_idle,
    write,
)

pytestmark = pytest.mark.slow


def bodies(page: Page) -> list[dict[str, Any]]:
    """The bodies of the generations that the page asks for from now on."""
    found: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/generate/stream"):
            found.append(json.loads(request.post_data or ""))

    page.on("request", note)
    return found


def test_shows_what_answers(page: Page) -> None:
    expect(page.get_by_role("banner")).to_contain_text("fake")
    expect(page.get_by_role("banner")).to_contain_text("a script answers")
    expect(page.get_by_text("of 4,096 tokens")).to_be_visible()
    expect(editor(page)).to_be_focused()


def test_text_streams_in_at_the_end(page: Page) -> None:
    write(page, PROMPT)
    page.keyboard.press("Control+Enter")
    wait_for_text(page, PROMPT)
    assert phase(page) == "writing"
    half = text(page)
    wait_until_idle(page)
    whole = text(page)
    assert whole.startswith(half)
    assert len(whole) > len(half) > len(PROMPT)
    generated = page.locator(".generated")
    expect(generated.first).to_be_visible()
    assert "".join(generated.all_text_contents()) == whole.removeprefix(PROMPT)
    expect(page.get_by_text("a second")).to_be_visible()
    page.keyboard.insert_text("The end.")
    assert text(page) == whole + "The end."


def test_stop_keeps_what_came(page: Page, server_url: str) -> None:
    write(page, PROMPT)
    button(page, "Generate").click()
    wait_for_text(page, PROMPT)
    page.keyboard.press("Escape")
    wait_until_idle(page)
    stopped = text(page)
    assert len(stopped) > len(PROMPT)
    page.wait_for_timeout(300)
    assert text(page) == stopped
    health = page.request.get(f"{server_url}/health").json()
    assert health["running"] == 0
    assert len(generate(page)) > len(stopped)


def test_retry_takes_another_turn_from_the_same_place(page: Page) -> None:
    sent = bodies(page)
    write(page, PROMPT)
    page.keyboard.press("Control+Enter")
    wait_for_text(page, PROMPT)
    page.keyboard.press("Escape")
    wait_until_idle(page)
    first = text(page)
    button(page, "Retry").click()
    wait_until_idle(page)
    second = text(page)
    assert second.startswith(PROMPT)
    assert len(second) > len(first)
    assert sent[0]["prompt"] == sent[1]["prompt"]
    for wanted in (first, PROMPT):
        button(page, "Undo").click()
        assert text(page) == wanted
    for wanted in (first, second):
        button(page, "Redo").click()
        assert text(page) == wanted
    expect(button(page, "Redo")).to_be_disabled()


def test_keys_of_retry_undo_and_redo(page: Page) -> None:
    write(page, PROMPT)
    first = generate(page)
    editor(page).focus()
    page.keyboard.press("Control+Shift+Enter")
    wait(page, lambda: phase(page) != "idle", "the retry")
    wait_until_idle(page)
    assert text(page) == first  # the script has but one story
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert text(page) == PROMPT
    page.keyboard.press("Control+y")
    assert text(page) == first


def test_undo_while_it_writes_stops_and_takes_the_piece_back(page: Page) -> None:
    write(page, PROMPT)
    button(page, "Generate").click()
    wait_for_text(page, PROMPT)
    button(page, "Undo").click()
    wait_until_idle(page)
    wait(page, lambda: text(page) == PROMPT, "the undo")


def test_the_writer_edits_above_while_text_streams(page: Page) -> None:
    write(page, PROMPT)
    button(page, "Generate").click()
    wait_for_text(page, PROMPT)
    editor(page).focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Chapter 1: ", delay=30)
    wait_until_idle(page)
    whole = text(page)
    assert whole.startswith(f"Chapter 1: {PROMPT}The lamp went out on the third level")
    page.keyboard.insert_text("*")
    assert text(page).startswith("Chapter 1: *")


def test_a_space_at_the_end_is_not_sent(page: Page) -> None:
    sent = bodies(page)
    write(page, PROMPT)
    assert generate(page).startswith(PROMPT + "The lamp")
    assert sent[0]["prompt"] == PROMPT.rstrip()


def test_text_memory_and_settings_survive_a_reload(page: Page) -> None:
    write(page, PROMPT)
    whole = generate(page)
    open_panel(page, "Story")
    page.get_by_label("Memory").fill("A mine in Wales.")
    page.get_by_label("Stop sequences").fill("\\nYou:")
    open_panel(page, "Sampler")
    page.get_by_label("Temperature", exact=True).fill("1.25")
    page.get_by_label("Temperature", exact=True).blur()
    wait(page, lambda: is_saved(page, "Wales"), "saving")
    page.reload()
    assert text(page) == whole
    assert "".join(page.locator(".generated").all_text_contents()) == whole.removeprefix(PROMPT)
    sent = bodies(page)
    button(page, "Retry").click()
    wait_until_idle(page)
    assert sent[0] | {"genkey": ""} == {
        "prompt": PROMPT.rstrip(),
        "memory": "A mine in Wales.\n",
        "max_length": 160,
        "max_context_length": 4096,
        "temperature": 1.25,
        "top_p": 0.95,
        "min_p": 0.05,
        "top_k": 40,
        "rep_pen": 1.07,
        "rep_pen_range": 512,
        "sampler_seed": -1,
        "stop_sequence": ["\nYou:"],
        "trim_stop": True,
        "replace_instruct_placeholders": False,
        "genkey": "",
        "coblyn_events": True,
    }


def test_the_last_word_before_leaving_is_kept(page: Page) -> None:
    write(page, PROMPT)
    page.keyboard.insert_text("the last word")
    page.reload()
    assert text(page) == PROMPT + "the last word"


def test_a_full_storage_is_told_and_the_text_can_be_saved(page: Page) -> None:
    page.evaluate("""() => {
      Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    }""")
    write(page, PROMPT)
    bar = page.get_by_role("alert")
    expect(bar).to_contain_text("storage is full")
    with page.expect_download() as download:
        bar.get_by_role("button", name="Save a copy").click()
    assert download.value.path().read_text(encoding="utf-8") == PROMPT


def test_two_tabs_do_not_overwrite_each_other(new_page: NewPage, server_url: str) -> None:
    here = new_page(server_url)
    here.context.add_init_script("""
      addEventListener("storage", (e) => window.isDeaf && e.stopImmediatePropagation(), true);
    """)
    here.reload()
    there = new_page(server_url, context=here.context)
    write(there, "from there")
    wait(here, lambda: text(here) == "from there", "the other tab's text")
    # Both write before either hears of the other.
    here.evaluate("() => { window.isDeaf = true; }")
    write(there, ", on")
    wait(there, lambda: is_saved(there, "there, on"), "saving")
    write(here, ", and here")
    bar = here.get_by_role("alert")
    expect(bar).to_contain_text("another tab")
    assert is_saved(there, "from there, on")
    bar.get_by_role("button", name="Keep this one").click()
    expect(bar).to_have_count(0)
    assert is_saved(here, "and here")
    here.reload()
    kept = here.get_by_role("status").filter(has_text="put aside")
    with here.expect_download() as download:
        kept.get_by_role("button", name="Save it as a file").click()
    assert download.value.path().read_text(encoding="utf-8") == "from there, on"


def test_find_reaches_all_of_a_long_story(page: Page) -> None:
    paragraph = "The water dripped, and nobody spoke for a long while. " * 10
    paste(page, "\n\n".join([paragraph] * 300) + "\n\nThe needle lay here.")
    page.keyboard.press("Control+Home")
    expect(page.get_by_text("The needle lay here.")).to_have_count(0)
    page.keyboard.press("Control+f")
    page.keyboard.type("needle")
    page.keyboard.press("Enter")
    expect(page.locator(".cm-searchMatch-selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".cm-search")).to_have_count(0)


def test_a_long_story_is_drawn_only_where_one_looks(page: Page) -> None:
    words = "The lamp burned low and the water dripped on the old ladder below. "
    story = "\n\n".join([words * 8] * 960)  # 100,000 words
    paste(page, story)
    assert text(page) == story
    assert page.locator(".cm-line").count() < 200
    page.keyboard.press("Control+End")
    page.keyboard.type("Nobody spoke.")
    assert text(page) == story + "Nobody spoke."
    wait(page, lambda: is_saved(page, "Nobody spoke."), "saving")
    page.reload()
    assert text(page) == story + "Nobody spoke."
    assert page.locator(".cm-line").count() < 200
