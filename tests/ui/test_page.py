"""The page in a browser, against ``coblyn serve``."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from coblyn.engine.fake import FakeRunner
from live_server import serve
from ui.conftest import NewPage, new_story
from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    open_panel,
    paste,
    phase,
    runs,
    text,
    wait,
    wait_for_text,
    wait_until_idle,
    wait_until_saved,
    write,
)
from ui.test_access import assert_accessible

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


def test_the_frame_is_painted_before_the_script_has_come(browser: Browser, server_url: str) -> None:
    held: list[Route] = []
    with closing(browser.new_context()) as context:
        page = context.new_page()
        page.route("**/*.js", lambda route: held.append(route))
        page.goto(server_url, wait_until="commit")
        expect(page.get_by_text("Coblyn", exact=True)).to_be_visible()
        painted = "() => performance.getEntriesByName('first-contentful-paint').length === 1"
        wait(page, lambda: page.evaluate(painted), "the first paint")
        held[0].continue_()
        expect(editor(page)).to_be_visible()
        expect(page.locator(".shell")).to_have_count(0)


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


def test_stop_keeps_what_came(new_page: NewPage) -> None:
    with serve(lambda: FakeRunner(seconds_a_step=0.1, repeats=True)) as address:
        page = new_page(address)
        write(page, PROMPT)
        button(page, "Generate").click()
        wait_for_text(page, PROMPT)
        page.keyboard.press("Escape")
        wait_until_idle(page)
        stopped = text(page)
        assert len(stopped) > len(PROMPT)
        running = partial(page.request.get, f"{address}/health")
        wait(page, lambda: running().json()["running"] == 0, "the end in the engine", 10)
        page.wait_for_timeout(300)
        assert text(page) == stopped
        button(page, "Generate").click()
        wait_for_text(page, stopped)
        page.close()


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
    assert len(second) >= len(first)  # a slow machine presses Escape behind the end
    assert sent[0]["prompt"] == sent[1]["prompt"]
    for wanted in (first, PROMPT):
        button(page, "Undo").click()
        wait(page, lambda wanted=wanted: text(page) == wanted, "the step back")
    for wanted in (first, second):
        button(page, "Redo").click()
        wait(page, lambda wanted=wanted: text(page) == wanted, "the step forth")


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
    wait(page, lambda: text(page) == PROMPT, "the steps back")
    page.keyboard.press("Control+y")
    wait(page, lambda: text(page) == first, "the step forth")


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
    wait_until_saved(page)
    page.reload()
    wait(page, lambda: text(page) == whole, "the story")
    assert "".join(page.locator(".generated").all_text_contents()) == whole.removeprefix(PROMPT)
    sent = bodies(page)
    button(page, "Retry").click()
    wait_until_idle(page)
    assert sent[0]["sampler_seed"] > 0  # drawn by the page, since none is chosen
    assert sent[0] | {"genkey": "", "sampler_seed": -1} == {
        "prompt": "A mine in Wales.\n" + PROMPT.rstrip(),
        "max_length": 160,
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
    wait(page, lambda: text(page) == PROMPT + "the last word", "the last word")


def test_undo_and_redo_reach_across_a_reload(page: Page) -> None:
    write(page, PROMPT)
    whole = generate(page)
    page.keyboard.insert_text(" No.")
    wait_until_saved(page)
    page.reload()
    wait(page, lambda: text(page) == whole + " No.", "the story")
    assert runs(page) == [(len(PROMPT), False), (len(whole) - len(PROMPT), True), (4, False)]
    for wanted in (whole, PROMPT, ""):
        button(page, "Undo").click()
        wait(page, lambda wanted=wanted: text(page) == wanted, "the step back")
    for wanted in (PROMPT, whole, whole + " No."):
        button(page, "Redo").click()
        wait(page, lambda wanted=wanted: text(page) == wanted, "the step forth")
    assert runs(page)[1] == (len(whole) - len(PROMPT), True)


def test_two_tabs_write_into_one_story(new_page: NewPage, server_url: str) -> None:
    here = new_page(server_url)
    write(here, "One.\n\nTwo.")
    wait_until_saved(here)
    there = new_page(here.url, context=here.context)
    expect(there.get_by_role("banner")).to_contain_text("also open elsewhere")
    assert text(there) == "One.\n\nTwo."
    write(there, " From there.")
    editor(here).focus()
    here.keyboard.press("Control+Home")
    here.keyboard.insert_text("From here. ")
    both = "From here. One.\n\nTwo. From there."
    for tab in (here, there):
        wait(tab, lambda tab=tab: text(tab) == both, "the other tab's words")
    button(here, "Undo").click()
    wait(here, lambda: text(here) != both, "the step back")


def test_the_same_paragraph_in_two_tabs_keeps_both(new_page: NewPage, server_url: str) -> None:
    here = new_page(server_url)
    here.expected = ["409", "ERR_FAILED"]  # type: ignore[attr-defined]
    write(here, "Once upon a time.")
    wait_until_saved(here)
    there = new_page(here.url, context=here.context)
    here.route("**/operations", lambda route: route.abort())
    here.route("**/events*", lambda route: route.abort())
    write(here, " Mine.")
    write(there, " Theirs.")
    wait_until_saved(there)
    expect(here.get_by_role("banner")).to_contain_text("Kept in this browser")
    here.unroute("**/operations")
    bar = here.get_by_role("alert")
    expect(bar).to_contain_text("another tab")
    bar.get_by_role("button", name="Keep this one").click()
    story = f"{server_url}/api/coblyn/stories/{here.url.split('/')[-2]}"

    def kept() -> set[str]:
        branches = here.request.get(story).json()["state"]["branches"].values()
        return {branch["text"] for branch in branches}

    both = {"Once upon a time. Mine.", "Once upon a time. Theirs."}
    wait(here, lambda: kept() == both, "the other tab's words as a branch")
    assert text(here) == "Once upon a time. Mine."


def test_what_was_typed_while_the_server_was_silent_comes_back(page: Page) -> None:
    page.expected = ["ERR_FAILED"]  # type: ignore[attr-defined]
    write(page, PROMPT)
    wait_until_saved(page)
    page.route("**/operations", lambda route: route.abort())
    page.keyboard.insert_text("kept here")
    expect(page.get_by_role("banner")).to_contain_text("Kept in this browser")
    page.unroute("**/operations")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    wait(page, lambda: text(page) == PROMPT + "kept here", "what was kept")


def test_words_of_a_story_that_is_gone_are_offered_as_a_new_one(
    page: Page, server_url: str
) -> None:
    page.expected = ["ERR_FAILED", "404"]  # type: ignore[attr-defined]
    write(page, PROMPT)
    wait_until_saved(page)
    page.route("**/operations", lambda route: route.abort())
    page.keyboard.insert_text("kept here")
    expect(page.get_by_role("banner")).to_contain_text("Kept in this browser")
    page.unroute("**/operations")
    story = page.url.split("/s/")[1].split("/")[0]
    page.goto("about:blank")
    page.request.post(f"{server_url}/api/coblyn/stories/{story}/trash")
    page.request.post(f"{server_url}/api/coblyn/library/empty-trash")
    page.goto(f"{server_url}/#/s/{new_story(server_url)}")
    notice = page.get_by_role("status").filter(has_text="belong to a story that is gone")
    expect(notice).to_contain_text("kept here")
    assert_accessible(page)
    notice.get_by_role("button", name="Keep them as a new story").click()
    wait(page, lambda: text(page) == "kept here", "the words")
    wait_until_saved(page)
    page.reload()
    wait(page, lambda: text(page) == "kept here", "the story")
    expect(notice).to_have_count(0)


def test_a_story_that_cannot_be_opened_is_never_an_empty_one(
    new_page: NewPage, server_url: str
) -> None:
    page = new_page(server_url)
    page.expected = ["500"]  # type: ignore[attr-defined]
    write(page, "Something dear.")
    wait_until_saved(page)
    error = {"code": "story_damaged", "message": "Record 2 does not match its checksum."}
    body = json.dumps({"error": error, "readable": 1})
    page.route(
        f"**/stories/{page.url.split('/')[-2]}*",
        lambda route: route.fulfill(status=500, content_type="application/json", body=body),
    )
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_text("could not be opened")).to_be_visible()
    expect(page.get_by_text("does not match its checksum")).to_be_visible()
    expect(editor(page)).to_have_count(0)
    button(page, "Open as it was, 1 change from its beginning").click()
    wait(page, lambda: text(page) == "Something dear.", "the copy")


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
    wait_until_saved(page)
    page.reload()
    wait(page, lambda: text(page) == story + "Nobody spoke.", "the story")
    assert page.locator(".cm-line").count() < 200
    # It opens where one was writing, and the next word stands there.
    expect(page.get_by_text("Nobody spoke.")).to_be_in_viewport()
    page.keyboard.press("Control+Home")
    page.keyboard.press("PageDown")
    page.keyboard.insert_text("Here. ")
    wait_until_saved(page)
    page.reload()
    expect(page.get_by_text("Here. ")).to_be_in_viewport()
    page.keyboard.insert_text("And on.")
    assert "Here. And on." in text(page)


def test_the_library_finds_opens_and_gives_back(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url)
    page.get_by_label("Title").fill("The heron")
    write(page, "A heron stood by the pit.")
    wait_until_saved(page)
    button(page, "Library").click()
    button(page, "New story").click()
    wait(page, lambda: text(page) == "", "the new story")
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("8")
    page.get_by_label("Search all stories").fill("heron pit")
    expect(page.locator("button.story", has_text="The heron")).to_be_visible()
    page.get_by_label("Search all stories").fill("")
    row = page.get_by_role("listitem").filter(has_text="The heron")
    row.get_by_role("button", name="Move to the trash").click()
    expect(row).to_have_count(0)
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Move to the trash").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Trash (1)").click()
    button(page, "Restore").click()
    page.get_by_role("button", name="Trash (0)").click()
    row.get_by_role("button", name="Export The heron").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="all that happened").click()
    assert download.value.path().stat().st_size > 100
    row.locator("button.story").click()
    wait(page, lambda: text(page) == "A heron stood by the pit.", "the story")
    page.go_back()
    expect(page.get_by_role("main", name="Library")).to_be_visible()


def test_all_words_of_the_model_are_told_apart_on_demand(page: Page) -> None:
    write(page, PROMPT)
    generate(page)
    generate(page)
    first = page.locator(".model").first
    expect(first).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    button(page, "View").click()
    page.get_by_label("Who wrote what").select_option("all")
    expect(first).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_a_book_pasted_as_one_line_is_split_at_sentences(page: Page) -> None:
    editor(page).focus()
    page.keyboard.press("Control+a")
    line = " ".join(f"She counted rung {n} on the way down." for n in range(700))
    paste(page, line)
    notice = page.get_by_role("status").filter(has_text="more than 20,000 characters")
    expect(notice).to_be_visible()
    wait_until_saved(page)
    page.reload()  # a story that is opened with such a line is told of, too
    notice.get_by_role("button", name="Split at sentences").click()
    expect(notice).to_have_count(0)
    paragraphs = text(page).split("\n\n")
    assert len(paragraphs) > 30
    assert all(paragraph.endswith("down.") for paragraph in paragraphs)
    assert " ".join(paragraphs) == line
    wait_until_saved(page)
    page.reload()
    wait(page, lambda: text(page) == "\n\n".join(paragraphs), "the split text")
    button(page, "Undo").click()
    wait(page, lambda: text(page) == line, "the line")
