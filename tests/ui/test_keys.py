"""Keys and buttons of the desk: what each does in each state, and where the focus is afterwards."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, expect

from ui.conftest import NewPage
from ui.desk import (
    PROMPT,
    button,
    editor,
    open_panel,
    phase,
    text,
    wait,
    wait_for_text,
    wait_until_idle,
    write,
)

pytestmark = pytest.mark.slow

PANELS = ("Story", "Lore", "Characters", "Context", "Sampler", "Model")


def focused(page: Page) -> str:
    """The name of what has the focus: its label or its words."""
    return str(
        page.evaluate(
            """() => {
              let at = document.activeElement;
              while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
              return at.getAttribute("aria-label") ?? at.textContent.trim();
            }"""
        )
    )


def test_a_double_click_on_generate_does_not_stop(page: Page) -> None:
    write(page, PROMPT)
    button(page, "Generate").dblclick()
    wait_for_text(page, PROMPT)
    assert phase(page) != "stopping"
    wait_until_idle(page)
    assert "knocks" in text(page)
    button(page, "Generate").click()
    wait(page, lambda: phase(page) == "writing", "the stream")
    button(page, "Stop").click()
    wait_until_idle(page)


def test_what_the_model_ends_at_once_is_written_anyway(page: Page) -> None:
    frame = 'event: message\ndata: {"token": "", "finish_reason": "stop"}\n\n'
    write(page, PROMPT)
    stream = "**/generate/stream"
    page.route(stream, lambda route: route.fulfill(content_type="text/event-stream", body=frame))
    button(page, "Generate").click()
    again = button(page, "Write on anyway")
    expect(again).to_be_visible()
    page.unroute(stream)
    with page.expect_request(stream) as asked:
        again.click()
    assert json.loads(asked.value.post_data or "")["ban_eos_token"] is True
    wait_until_idle(page)
    expect(again).to_have_count(0)
    with page.expect_request(stream) as asked:
        button(page, "Generate").click()
    assert "ban_eos_token" not in json.loads(asked.value.post_data or "")
    wait_until_idle(page)


def test_keys_open_and_escape_closes_one_layer_and_gives_the_focus_back(page: Page) -> None:
    page.keyboard.press("Control+/")
    expect(page.get_by_text("Next part of the page")).to_be_visible()
    assert focused(page) != "Story"
    page.keyboard.press("Escape")
    expect(page.get_by_text("Next part of the page")).to_have_count(0)
    assert focused(page) == "Story"
    for name in PANELS:
        page.get_by_role("navigation").get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
        panel = page.get_by_role("complementary", name=name, exact=True)
        expect(panel).to_be_visible()
        inside = "() => document.querySelector('aside').contains(document.activeElement)"
        assert page.evaluate(inside), name
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        assert focused(page) == name
    for digit, name in (("8", "Library"), ("0", "Doctor"), ("5", "Branches")):
        editor(page).focus()
        page.keyboard.press("Control+k")
        page.keyboard.insert_text(digit)
        sheet = page.locator("main.sheet")
        expect(sheet).to_be_visible()
        assert page.evaluate(
            "() => document.querySelector('.sheet').contains(document.activeElement)"
        )
        if name == "Library":
            page.keyboard.press("Control+f")
            assert focused(page) == "Search all stories"
        page.keyboard.press("Escape")
        expect(sheet).to_have_count(0)
        expect(editor(page)).to_be_focused()


def test_the_focus_comes_back_on_a_phone(new_page: NewPage, server_url: str) -> None:
    page = new_page(server_url, viewport={"width": 390, "height": 800})
    button(page, "Menu").click()  # a click on the bar leaves the focus where it was
    page.keyboard.press("Escape")
    expect(editor(page)).to_be_focused()
    button(page, "Menu").focus()
    page.keyboard.press("Enter")
    button(page, "Story").click()
    expect(page.get_by_role("complementary", name="Story")).to_be_visible()
    page.keyboard.press("Escape")
    expect(button(page, "Menu")).to_be_focused()
    editor(page).focus()
    open_panel(page, "Lore")
    page.keyboard.press("Escape")
    expect(editor(page)).to_be_focused()


def test_the_palette_finds_stories_chapters_and_lore(new_page: NewPage, server_url: str) -> None:
    other = new_page(server_url, viewport={"width": 1280, "height": 800})
    other.get_by_label("Title").fill("The otter of 1709")
    write(other, "Long ago.")
    page = new_page(server_url, viewport={"width": 1280, "height": 800})
    write(page, "# The winter\n\nRain.\n\n# The thaw\n\nSun.")
    open_panel(page, "Lore")
    button(page, "New entry").click()
    page.get_by_label("Name", exact=True).fill("Ladder")
    page.keyboard.press("Escape")

    def go(words: str) -> None:
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Commands").fill(words)
        page.keyboard.press("Enter")

    go("thaw")
    expect(editor(page)).to_be_focused()
    page.keyboard.insert_text("*")
    assert "\n*# The thaw" in text(page)
    go("ladder")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Ladder")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill(" 1709")
    expect(page.get_by_role("option").filter(has_text="otter of 1709")).to_be_visible()
    page.keyboard.press("Enter")
    wait(page, lambda: text(page) == "Long ago.", "the other story")


def test_a_command_has_run_before_the_next_key(page: Page) -> None:
    """What is typed right after Enter belongs where the command went."""
    write(page, "# The winter\n\nRain.\n\n# The thaw\n\nSun.")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("thaw")
    line = page.evaluate(
        """async () => {
          const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
          document.activeElement.dispatchEvent(enter);
          for (let left = 100; left > 0; left -= 1) await null;  // No task, so no key, comes between.
          const { anchorNode } = document.activeElement.shadowRoot.getSelection();
          const place = anchorNode instanceof Element ? anchorNode : anchorNode.parentElement;
          return place.closest(".cm-line")?.textContent;
        }"""
    )
    assert line == "# The thaw"


def test_the_focus_stays_where_it_went_from_the_end_of_a_wrapped_line(page: Page) -> None:
    """Also where the next key comes before the page has drawn what the key before did."""
    open_panel(page, "Story")
    story = "The lamp burned low and nobody spoke. " * 20
    write(page, story)
    page.keyboard.press("Control+Home")
    _press_at_once(page, {"key": "End"}, {"key": "f", "ctrlKey": True})
    page.keyboard.type("lamp")
    expect(page.get_by_label("Find")).to_have_value("lamp")
    page.keyboard.press("Escape")
    wait(page, lambda: focused(page) == "Story", "the focus")
    _press_at_once(page, {"key": "End"}, {"key": "k", "ctrlKey": True})
    page.keyboard.type("winter")
    expect(page.get_by_role("combobox", name="Commands")).to_have_value("winter")
    page.keyboard.press("Escape")
    wait(page, lambda: focused(page) == "Story", "the focus")
    page.keyboard.press("End")
    page.get_by_label("Memory").click()
    _wait_until_drawn(page)
    page.keyboard.type("A tale.")
    expect(page.get_by_label("Memory")).to_have_value("A tale.")
    assert text(page) == story


def _press_at_once(page: Page, *keys: dict[str, object]) -> None:
    """Keys that come before anything is drawn; gives what they do the time to be drawn."""
    page.evaluate(
        """(keys) => {
          for (const key of keys) {
            let at = document.activeElement;
            while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
            const how = { ...key, bubbles: true, cancelable: true, composed: true };
            at.dispatchEvent(new KeyboardEvent("keydown", how));
          }
        }""",
        list(keys),
    )
    _wait_until_drawn(page)


def _wait_until_drawn(page: Page) -> None:
    """Three frames: what a change of the focus starts in the editor is over then."""
    page.evaluate(
        """async () => {
          for (let left = 3; left > 0; left -= 1) await new Promise(requestAnimationFrame);
        }"""
    )


def test_arrows_go_along_the_bar(page: Page) -> None:
    write(page, PROMPT)
    button(page, "Generate").focus()
    names = [focused(page)]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        names.append(focused(page))
    assert names[1:3] == ["More ways to continue", "Undo"], names
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("status").filter(has_text="Saved")).to_have_count(1)


def test_input_methods_confirm_with_enter_in_every_field(
    new_page: NewPage, server_url: str
) -> None:
    """An Enter that composes, and one with the old key code 229, do nothing of ours."""
    page = new_page(server_url, viewport={"width": 1280, "height": 800})
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.url) if "generate" in request.url else None
    )
    _compose(page, editor(page))
    assert text(page) == "\u3053\u3093"
    page.keyboard.press("Control+k")
    _confirm(page.get_by_role("combobox", name="Commands"))
    expect(page.get_by_role("combobox", name="Commands")).to_be_visible()
    page.keyboard.press("Escape")
    expect(editor(page)).to_be_focused()
    for name in PANELS:
        open_panel(page, name)
        for field in page.locator("aside :is(input, textarea)").all():
            _confirm(field)
        expect(page.get_by_role("complementary", name=name, exact=True)).to_be_visible()
    assert (text(page), sent) == ("\u3053\u3093", [])
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("Mode: Chat")
    page.keyboard.press("Enter")
    box = page.get_by_role("textbox", name="Say or do something")
    _compose(page, box)
    expect(box).to_have_value("\u3053\u3093")
    assert (text(page), sent) == ("\u3053\u3093", [])


def _compose(page: Page, field: Locator) -> None:
    """Two letters of an input method, confirmed with Enter, as Chromium gets them from it."""
    field.focus()
    browser = page.context.new_cdp_session(page)
    for letters in ("\u3053", "\u3053\u3093"):
        end = len(letters)
        composition = {"text": letters, "selectionStart": end, "selectionEnd": end}
        browser.send("Input.imeSetComposition", composition)
    enter = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    browser.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    browser.send("Input.insertText", {"text": "\u3053\u3093"})
    browser.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})


def _confirm(field: Locator) -> None:
    field.evaluate(
        """(field) => {
          for (const how of [{}, { ctrlKey: true }, { key: "Escape" }]) {
            const enter = { key: "Enter", bubbles: true, cancelable: true, composed: true, ...how };
            field.dispatchEvent(new KeyboardEvent("keydown", { ...enter, isComposing: true }));
            const old = new KeyboardEvent("keydown", enter);
            field.dispatchEvent(Object.defineProperty(old, "keyCode", { value: 229 }));
          }
        }"""
    )


@pytest.mark.parametrize("mode", ["story", "chat"])
def test_all_of_a_story_is_printed(new_page: NewPage, server_url: str, mode: str) -> None:
    page = new_page(server_url, viewport={"width": 1280, "height": 800})
    write(page, "You: The first words.\n\n")
    page.keyboard.insert_text("The water dripped, and nobody spoke. " * 400 + "\n\nThe last words.")
    if mode == "chat":
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Commands").fill("Mode: Chat")
        page.keyboard.press("Enter")
        expect(page.get_by_role("article")).to_have_count(1)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    paper = page.locator(".print")
    expect(paper).to_contain_text("The first words.")
    expect(paper).to_contain_text("The last words.")
    expect(page.locator(".page")).not_to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    expect(paper).to_have_count(0)
