"""What stands beside the text: lore, the lens, the price and branches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import patient
from coblyn.engine.fake import FakeRunner
from live_server import serve
from ui.conftest import NewPage
from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    open_panel,
    runs,
    text,
    wait,
    wait_until_saved,
    write,
)
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

NOTE = "Author\N{RIGHT SINGLE QUOTATION MARK}s note"


def new_entry(page: Page, name: str, keys: str, content: str) -> None:
    button(page, "New entry").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Keys", exact=True).fill(keys)
    page.get_by_label("Text", exact=True).fill(content)
    page.get_by_label("Text", exact=True).blur()


def test_lore_says_why_it_is_read_and_why_not(page: Page) -> None:
    write(page, "The lamp went out.")
    open_panel(page, "Lore")
    new_entry(page, "Lamp", "lamp, wick", "It burns blue.")
    panel = page.get_by_role("complementary", name="Lore")
    expect(panel).to_contain_text("Fired: “lamp” occurs 1 paragraph back.")
    assert_accessible(page)
    page.get_by_label("None of").fill("out")
    page.get_by_label("None of").blur()
    expect(panel).to_contain_text("so does “out”, which forbids it")
    page.get_by_label("On", exact=True).uncheck()
    expect(panel).to_contain_text("Switched off.")
    wait_until_saved(page)
    page.reload()
    open_panel(page, "Lore")
    expect(panel).to_contain_text("Switched off.")


def test_a_text_is_tried_on_the_lore_without_generating(page: Page) -> None:
    write(page, "The lamp was a dream.")
    open_panel(page, "Lore")
    new_entry(page, "Lamp", "lamp", "It burns blue.")
    page.get_by_label("None of").fill("dream")
    page.get_by_label("None of").blur()
    panel = page.get_by_role("complementary", name="Lore")
    panel.get_by_text("Test bench", exact=True).click()
    tried, verdicts = (
        page.get_by_label("Text to try"),
        panel.get_by_role("status", name="Test bench"),
    )
    expect(tried).to_have_value("The lamp was a dream.")
    expect(verdicts).to_contain_text("so does “dream”, which forbids it")
    tried.fill("The lamp was lit.\nIt hissed.")
    expect(verdicts).to_contain_text("Fired: “lamp” occurs 2 paragraphs back.")
    assert_accessible(page)
    button(page, "Remove lamp").click()
    page.get_by_label("Keys", exact=True).fill("wick")
    page.get_by_label("Keys", exact=True).blur()
    expect(verdicts).to_contain_text("No key occurs in the text that is searched.")
    button(page, "Take the story\N{RIGHT SINGLE QUOTATION MARK}s end").click()
    expect(tried).to_have_value("The lamp was a dream.")
    assert text(page) == "The lamp was a dream."


def test_the_lens_shows_what_is_sent_and_the_price_its_cause(page: Page) -> None:
    write(page, "The lamp went out.")
    open_panel(page, "Story")
    page.get_by_label("Memory").fill("A mine in Wales.")
    page.get_by_label(NOTE).fill("[Quiet.]")
    status = page.locator(".status")
    expect(status).to_contain_text("new tokens")
    open_panel(page, "Context")
    lens = page.get_by_role("complementary", name="Context")
    for name in ("Memory", NOTE, "Story"):
        expect(lens.get_by_role("button", name=name)).to_be_visible()
    lens.get_by_role("button", name="Memory").click()
    expect(lens).to_contain_text("A mine in Wales.")
    assert_accessible(page)
    generate(page)
    expect(status).to_contain_text("Starts at once")
    open_panel(page, "Story")
    page.get_by_label("Memory").fill("A pit in Wales.")
    expect(status).to_contain_text("again")
    expect(status).to_contain_text("The memory changed.")
    open_panel(page, "Context")
    rows = lens.get_by_role("listitem")
    expect(rows.filter(has_text="Memory")).to_contain_text("changed")
    # Read again with what stands before it, and still the same text.
    expect(rows.filter(has_text=NOTE)).to_contain_text("same")
    button(page, "Last").click()
    lens.get_by_role("button", name="Memory").click()
    expect(lens).to_contain_text("A mine in Wales.")
    # What broke the common beginning is open, word by word; a note that came since stands below it.
    button(page, "Changes").click()
    expect(lens).to_contain_text("The memory changed.")
    expect(lens.locator("li.break")).to_contain_text("Memory")
    expect(lens.locator("del")).to_have_text("mine ")
    expect(lens.locator("ins")).to_have_text("pit ")
    open_panel(page, "Story")
    page.get_by_label(NOTE).fill("")
    open_panel(page, "Context")
    button(page, "Changes").click()
    gone = lens.get_by_role("listitem").filter(has_text=NOTE)
    expect(gone).to_contain_text("gone")
    assert_accessible(page)


def test_branches_differ_and_come_back(page: Page) -> None:
    write(page, PROMPT + "the men went down.")
    wait_until_saved(page)
    editor(page).focus()
    page.keyboard.press("Control+Home")
    for _ in range(len(PROMPT)):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("Branch here")
    page.keyboard.press("Enter")
    wait(page, lambda: text(page) == PROMPT, "the branch")
    write(page, "the women went down.")
    wait_until_saved(page)
    button(page, "Branches").click()
    page.get_by_role("treeitem").filter(has_text="Beginning").get_by_role("button").click()
    expect(page.locator("ins")).to_have_text("women ")
    expect(page.locator("del")).to_have_text("men ")
    expect(page.locator(".cost")).to_contain_text("tokens")
    assert_accessible(page)
    button(page, "Take this paragraph").click()
    expect(page.get_by_text("The texts are the same.")).to_be_visible()
    assert text(page) == PROMPT + "the men went down."
    page.keyboard.press("Escape")
    button(page, "Undo").click()
    wait(page, lambda: text(page) == PROMPT + "the women went down.", "the step back")
    button(page, "Branches").click()
    page.get_by_role("treeitem").filter(has_text="Beginning").get_by_role("button").click()
    button(page, "Go here").click()
    wait(page, lambda: text(page) == PROMPT + "the men went down.", "the other branch")
    page.reload()
    wait(page, lambda: text(page) == PROMPT + "the men went down.", "the branch of the address")


def test_of_several_takes_a_sentence_is_used_and_undone_at_once(page: Page) -> None:
    write(page, PROMPT)
    button(page, "More ways to continue").click()
    button(page, "Write 3 takes").click()
    takes = page.get_by_role("article")
    expect(takes).to_have_count(3)
    expect(page.get_by_text("writing", exact=True)).to_have_count(0)
    assert text(page) == PROMPT
    assert_accessible(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(takes.nth(1).get_by_role("button", name="Use up to here")).to_be_visible()
    page.keyboard.press("Enter")
    sentence = (
        "The lamp went out on the third level, and for a while there was only the sound of water. "
    )
    wait(page, lambda: text(page) == PROMPT + sentence, "the sentence")
    expect(takes).to_have_count(0)
    expect(editor(page)).to_be_focused()
    button(page, "Undo").click()
    wait(page, lambda: text(page) == PROMPT, "the step back")


def test_while_takes_are_written_the_bar_stops_them(new_page: NewPage) -> None:
    with serve(lambda: FakeRunner(seconds_a_step=0.1)) as address:
        page = new_page(address)
        write(page, PROMPT)
        button(page, "More ways to continue").click()
        button(page, "Write 3 takes").click()
        expect(button(page, "Generate")).to_have_count(0)
        button(page, "Stop").click()
        expect(page.get_by_text("writing", exact=True)).to_have_count(0)
        expect(button(page, "Generate")).to_be_visible()
        assert text(page) == PROMPT
        page.close()


def test_takes_that_were_being_written_are_found_after_a_reload(new_page: NewPage) -> None:
    with serve(lambda: FakeRunner(seconds_a_step=0.1)) as address:
        page = new_page(address)
        write(page, PROMPT)
        button(page, "More ways to continue").click()
        button(page, "Write 3 takes").click()
        columns = page.get_by_role("article")
        expect(columns.nth(2)).to_contain_text("The lamp")
        story = f"{address}/api/coblyn/stories/{page.url.split('/')[-2]}"

        def kept() -> list[str]:
            takes = patient.get(story).json()["state"]["takes"].values()
            return [take["text"] for take in takes if "The lamp" in take["text"]]

        wait(page, lambda: len(kept()) == 3, "the first words of all takes in the journal")
        page.reload()
        wait(page, lambda: text(page) == PROMPT, "the text without a take")
        expect(columns).to_have_count(3)  # they go on
        button(page, "Done").click()
        expect(columns).to_have_count(0)
        button(page, "Branches").click()
        expect(page.get_by_text("Takes of the next piece, not used yet")).to_be_visible()
        takes = page.get_by_role("button", name=re.compile("^Take [123]"))
        expect(takes).to_have_count(3)
        takes.nth(1).click()
        button(page, "Take this paragraph").click()
        wait(page, lambda: text(page).startswith(PROMPT + "The lamp"), "the take in the text")
        assert {piece for _, piece in runs(page)} - {""}
        expect(takes).to_have_count(2)
        page.close()


def test_a_preset_sets_all_numbers_of_the_panel(page: Page) -> None:
    open_panel(page, "Sampler")
    page.get_by_label("Preset").select_option("Simple Balanced")
    expect(page.get_by_label("Temperature", exact=True)).to_have_value("0.75")
    button(page, "Defaults").click()
    expect(page.get_by_label("Temperature", exact=True)).to_have_value("0.8")


def test_the_palette_opens_a_number_of_the_sampler(page: Page) -> None:
    wait(page, lambda: editor(page).is_visible(), "the editor")
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("sampler: top-n")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Top-n-sigma", exact=True)).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("simple balanced")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Temperature", exact=True)).to_have_value("0.75")


FIELDS = {
    "Story: Memory": "memory",
    "Story: Paragraphs up": "note-depth",
    "Story: Banned phrases": "banned",
    "Lore: New entry": "lore-new",
    "Characters: New character": "character-new",
    "Context: Changes": "lens-changes",
    "Sampler: Changed only": "changed-only",
    "Model: Doctor": "model-doctor",
}


def test_the_palette_opens_fields_of_every_panel(page: Page) -> None:
    wait(page, lambda: editor(page).is_visible(), "the editor")
    for name, field in FIELDS.items():
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Commands").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(f"#panel #{field}")).to_be_focused()


def test_the_palette_sets_the_looks(page: Page) -> None:
    wait(page, lambda: editor(page).is_visible(), "the editor")
    for name, field in (("Text size", "text-size"), ("Line length", "measure")):
        page.keyboard.press("Control+k")
        page.keyboard.insert_text(name)
        page.keyboard.press("Enter")
        expect(page.locator(f"#{field}")).to_be_focused()
        page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_looks_are_chosen_one_after_another(page: Page) -> None:
    write(page, PROMPT)
    editor(page).evaluate("(element) => (element.mark = true)")
    button(page, "View").click()
    page.get_by_label("Theme").select_option(label="Dark")
    page.get_by_label("Typeface").select_option(label="Sans")
    page.get_by_label("Probabilities").select_option(
        label="Heat on the model\N{RIGHT SINGLE QUOTATION MARK}s words"
    )
    size = page.get_by_label("Text size")
    size.focus()
    before = float(size.input_value())
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(size).to_be_focused()
    assert float(size.input_value()) > before
    # The editor is the same one, with all that only it knows.
    assert editor(page).evaluate("(element) => element.mark === true")


def test_the_doctor_reads_a_log(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.insert_text("0")
    log = Path(__file__).parents[1] / "doctor" / "fixtures" / "android-ndk-missing.log"
    page.get_by_label("Choose a log file").set_input_files(log)
    expect(page.get_by_role("article")).to_have_count(1)
    assert_accessible(page)
    page.get_by_label("What the build printed").fill("all is well")
    page.get_by_label("What the build printed").blur()
    expect(page.get_by_text("Nothing in this log says")).to_be_visible()
