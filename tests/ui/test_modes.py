"""The modes of a story: turns, the box, who speaks next, dice, takes; and that none of them loses a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import patient
from coblyn.engine.fake import FakeRunner
from live_server import serve
from ui.conftest import NewPage
from ui.desk import button, open_panel, text, wait, wait_until_saved
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

SCRIPT = "The lamp went out on the third level, and for a while there was only the sound of water. "
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "page.png"
CALL = '<tool_call>\n{"id": "c1", "name": "depth", "arguments": {"level": 3}}\n</tool_call>'


def put(place: str, value: Any) -> dict[str, Any]:
    return {"kind": "put", "place": place, "value": value}


def open_story(
    new_page: NewPage, url: str, mode: str, words: str, *more: dict[str, Any], **options: Any
) -> Page:
    change = {"from": 0, "to": 0, "insert": words}
    operations = [
        {"kind": "edit", "branch": "main", "changes": [change]},
        put("mode", mode),
        *more,
    ]
    named = [one | {"id": f"o{n}", "unit": "begin"} for n, one in enumerate(operations)]
    story = patient.post(f"{url}/api/coblyn/stories", json={"operations": named}).json()["id"]
    wide = {"viewport": {"width": 1280, "height": 800}}
    return new_page(f"{url}/#/s/{story}", **(wide | options))


def cards(*names: str) -> list[dict[str, Any]]:
    return [put(f"characters/{name}", {"card": {"data": {"name": name}}}) for name in names]


def sent(page: Page, path: str) -> list[dict[str, Any]]:
    """Bodies that go there from now on."""
    bodies: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda request: (
            bodies.append(json.loads(request.post_data or "{}"))
            if request.url.endswith(path)
            else None
        ),
    )
    return bodies


def test_a_chat_between_two_characters(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "chat", "", *cards("Gwen", "Tomos"))
    bodies = sent(page, "generate/stream")
    box = page.get_by_role("textbox", name="Say or do something")
    expect(box).to_be_focused()
    box.fill("Well, Tomos?")
    expect(page.get_by_text("Next: Tomos")).to_be_visible()
    enter = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true})"
    box.evaluate(f"(box) => box.dispatchEvent({enter})")
    old = "Object.defineProperty(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}), 'keyCode', {value: 229})"
    box.evaluate(f"(box) => box.dispatchEvent({old})")
    assert (text(page), bodies) == ("", [])
    box.press("Enter")
    wait(page, lambda: "knocks" in text(page), "the answer")
    wait_until_idle_in_turns(page)
    begun = "You: Well, Tomos?\nTomos:"
    assert text(page).startswith(begun + SCRIPT)
    assert bodies[0]["prompt"] == begun
    assert bodies[0]["stop_sequence"] == ["\nGwen:", "\nTomos:", "\nYou:"]
    expect(page.get_by_role("article")).to_have_count(2)
    assert_accessible(page)
    # What the lens shows was sent.
    open_panel(page, "Context")
    button(page, "Last").click()
    lens = page.get_by_role("complementary", name="Context")
    lens.get_by_role("button", name="Story").click()
    expect(lens.locator("pre")).to_have_text(begun)


def wait_until_idle_in_turns(page: Page) -> None:
    expect(button(page, "Continue")).to_be_visible()
    wait(page, lambda: page.evaluate("() => window.__app.phase()") == "idle", "the end")


def test_takes_undo_and_branches_of_a_turn(new_page: NewPage, server_url: str) -> None:
    start = "{{[INPUT]}}\nHow deep?\n{{[OUTPUT]}}\n"
    page = open_story(new_page, server_url, "instruct", start)
    bodies = sent(page, "generate/stream")
    page.get_by_role("textbox", name="Instruction").press("Enter")
    wait(page, lambda: "knocks" in text(page), "the answer")
    wait_until_idle_in_turns(page)
    assert "### Response:" in bodies[0]["prompt"]
    assert "{{[" not in bodies[0]["prompt"]
    first = text(page)
    page.keyboard.press("Control+Shift+Enter")
    wait(page, lambda: len(bodies) == 2, "the retry")
    wait_until_idle_in_turns(page)
    page.get_by_role("article").last.get_by_role("button", name="Actions").click()
    button(page, "Edit").click()
    field = page.get_by_role("article").get_by_role("textbox")
    field.fill("The lamp went on.")
    field.press("Control+Enter")
    edited = start + "The lamp went on."
    wait(page, lambda: text(page).startswith(edited), "the change")
    turn = page.get_by_role("article").last
    expect(turn.get_by_role("group", name="Take 2 of 2")).to_be_visible()
    turn.get_by_role("button", name="The take before").click()
    wait(page, lambda: text(page).strip() == first.strip(), "take 1")
    button(page, "Undo").click()
    wait(page, lambda: text(page).startswith(edited), "the step back")
    stopped = text(page)
    expect(turn.get_by_role("group", name="Take 2 of 2")).to_be_visible()
    page.get_by_role("article").first.get_by_role("button", name="Actions").click()
    button(page, "Branch here").click()
    wait(page, lambda: text(page) == "{{[INPUT]}}\nHow deep?", "the branch")
    page.go_back()
    wait(page, lambda: text(page) == stopped, "the branch before")


def test_a_turn_that_waits_for_takes_has_none_of_the_turn_before(new_page: NewPage) -> None:
    start = "{{[INPUT]}}\nHow deep?\n{{[OUTPUT]}}\n"
    with serve(lambda: FakeRunner(seconds_a_step=0.05)) as address:
        page = open_story(new_page, address, "instruct", start)
        box = page.get_by_role("textbox", name="Instruction")
        box.press("Enter")
        wait(page, lambda: "The lamp" in text(page), "the answer")
        box.press("Escape")
        wait_until_idle_in_turns(page)
        page.keyboard.press("Control+Shift+Enter")
        wait(page, lambda: page.evaluate("() => window.__app.phase()") == "writing", "another take")
        box.press("Escape")
        wait_until_idle_in_turns(page)
        pager = page.get_by_role("group", name="Take 2 of 2")
        expect(pager).to_be_visible()
        box.fill("And how old?")
        page.keyboard.press("Control+Alt+Enter")
        expect(page.get_by_text("writing", exact=True).first).to_be_visible()
        expect(pager).to_have_count(0)
        button(page, "Stop all").click()
        expect(page.get_by_text("writing", exact=True)).to_have_count(0)
        page.close()


def test_an_action_throws_dice_that_are_kept(new_page: NewPage, server_url: str) -> None:
    page = open_story(new_page, server_url, "adventure", "A cave.")
    open_panel(page, "Story")
    page.get_by_label("Throw dice for what you do").check()
    assert_accessible(page)
    page.keyboard.press("Escape")
    box = page.get_by_role("textbox", name="What do you do?")
    box.fill("Light the lamp")
    box.press("Enter")
    wait(page, lambda: "knocks" in text(page), "what happens")
    wait_until_idle_in_turns(page)
    line = text(page).split("\n")[1]
    assert line.startswith("> Light the lamp [Rolled ")
    wait_until_saved(page)
    story = page.url.split("/s/")[1].split("/")[0]
    state = patient.get(f"{server_url}/api/coblyn/stories/{story}").json()["state"]
    assert state["settings"]["dice"]["thrown"] == 1
    assert isinstance(state["settings"]["dice"]["seed"], int)
    # Up in the empty box edits what one did.
    box.press("ArrowUp")
    field = page.get_by_role("article").get_by_role("textbox")
    field.fill("Wait")
    field.press("Control+Enter")
    wait(page, lambda: text(page).split("\n")[1] == "> Wait", "the change")


def test_an_assistant_reasons_calls_and_is_answered(new_page: NewPage, server_url: str) -> None:
    words = (
        f"{{{{[INPUT]}}}}\nHow deep?\n{{{{[OUTPUT]}}}}\n<think>\nI look.\n</think>\n\nWait.\n{CALL}"
    )
    page = open_story(new_page, server_url, "assistant", words)
    bodies = sent(page, "chat/completions")
    turn = page.get_by_role("article").last
    expect(turn.get_by_text("I look.")).not_to_be_visible()
    turn.get_by_text("Thought, 2 words").click()
    expect(turn.get_by_text("I look.")).to_be_visible()
    turn.get_by_text("Calls depth").click()
    expect(turn.get_by_text('{"level":3}')).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Result of depth").fill("90 m")
    button(page, "Send the result").click()
    wait(page, lambda: "knocks" in text(page), "the answer")
    wait_until_idle_in_turns(page)
    calls = len(bodies)
    # A picture goes with the next question.
    page.get_by_label("Add an image").set_input_files(PICTURE)
    box = page.get_by_role("textbox", name="Ask something")
    wait(page, lambda: "(image:" in box.input_value(), "the picture's mark")
    box.press("Enter")
    expect(page.get_by_role("article").get_by_role("img", name=PICTURE.name)).to_be_visible()
    wait(page, lambda: len(bodies) > calls, "the question")
    wait_until_idle_in_turns(page)
    (shown, _) = bodies[calls]["messages"][-1]["content"]
    assert shown["image_url"]["url"].startswith("data:image/jpeg;base64,")
    roles = [message["role"] for message in bodies[0]["messages"]]
    assert roles == ["user", "assistant", "tool"]
    assert bodies[0]["messages"][1]["reasoning_content"] == "I look."
    assert bodies[0]["messages"][2] == {"role": "tool", "content": "90 m", "tool_call_id": "c1"}


def test_another_mode_changes_no_word(page: Page) -> None:
    words = "Gwen: Hm.\n> go\n{{[INPUT]}}\nA lamp.\n"
    page.get_by_role("textbox", name="Story").focus()
    page.keyboard.insert_text(words)
    open_panel(page, "Story")
    for mode in ("adventure", "chat", "instruct", "assistant", "story"):
        page.get_by_label("Mode", exact=True).select_option(mode)
        assert text(page) == words
    page.get_by_label("Mode", exact=True).select_option("chat")
    page.get_by_role("textbox", name="Say or do something").fill("half a")
    page.get_by_label("Show as one text").check()
    expect(page.get_by_role("textbox", name="Story")).to_be_visible()
    wait_until_saved(page)
    page.reload()
    expect(page.get_by_role("textbox", name="Say or do something")).to_have_value("half a")
    assert text(page) == words


def test_a_turn_is_stopped(new_page: NewPage) -> None:
    # Twenty seconds of words: a slow machine too presses Escape before their end.
    with serve(lambda: FakeRunner(seconds_a_step=0.1)) as address:
        page = open_story(new_page, address, "chat", "", *cards("Tomos"))
        stopped = sent(page, "extra/abort")
        box = page.get_by_role("textbox", name="Say or do something")
        box.fill("Well?")
        box.press("Enter")
        wait(page, lambda: "The lamp" in text(page), "some words")
        box.press("Escape")
        wait_until_idle_in_turns(page)
        assert len(stopped) == 1
        assert len(text(page)) < len("You: Well?\nTomos:" + SCRIPT)
        page.close()


def test_words_are_offered_for_the_next_turn(new_page: NewPage, server_url: str) -> None:
    whole = "You: Well?\nTomos: Hm."
    page = open_story(new_page, server_url, "chat", whole, *cards("Tomos"))
    bodies = sent(page, "generate/stream")
    box = page.get_by_role("textbox", name="Say or do something")
    # What could be said next is offered in the box, and in the story only once it is sent.
    box.fill("And then")
    box.press("Alt+Enter")
    ghost = page.locator(".box .ghost")
    expect(ghost).to_contain_text("The lamp went out")
    wait_until_idle_in_turns(page)
    assert bodies[-1]["prompt"] == f"{whole}\nYou: And then"
    assert_accessible(page)
    box.press("ArrowRight")
    assert box.input_value() == "And thenThe"
    box.press("Tab")
    assert box.input_value().startswith("And thenThe lamp went out on the third level")
    box.press("Alt+Enter")
    expect(ghost).to_be_visible()
    box.press("Escape")
    expect(ghost).to_have_count(0)
    wait_until_idle_in_turns(page)
    assert text(page) == whole


def test_a_word_of_a_turn_gives_way_to_another_that_could_have_been(
    new_page: NewPage, server_url: str
) -> None:
    page = open_story(new_page, server_url, "chat", "You: Well?\nTomos:", *cards("Tomos"))
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("Probabilities")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Say or do something").press("Enter")
    wait(page, lambda: "knocks" in text(page), "the answer")
    wait_until_idle_in_turns(page)
    whole = text(page)
    turn = page.get_by_role("article").last
    tokens = turn.locator(".token")
    tokens.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tokens.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    group = turn.get_by_role("group", name="What could have stood here")
    assert_accessible(page)
    other = group.locator("button:not(:disabled)").first
    chosen = (other.text_content() or "").strip().split("%  ")[1].replace("␣", " ")
    other.click()
    start = whole[: whole.index("The lamp") + 1] + chosen
    wait(page, lambda: text(page).startswith(start) and "knocks" in text(page), "the branch")
    wait_until_idle_in_turns(page)
    page.go_back()
    wait(page, lambda: text(page) == whole, "the branch before")
