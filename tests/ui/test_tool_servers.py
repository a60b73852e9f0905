"""Tools of tool servers on the page: switched on, asked about, run, and shown folded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from api.test_tool_servers import HEAD, HERMES, OPTIONS, Caller, call_of
from coblyn.engine.fake import FakeRunner
from coblyn.engine.masks import Words
from coblyn.engine.plan import Row, Sampled
from live_server import serve
from ui.conftest import NewPage
from ui.desk import button, open_panel, text, wait, wait_until_saved
from ui.test_access import assert_accessible
from ui.test_modes import open_story, sent

pytestmark = pytest.mark.slow


class Asker(Caller):
    """Calls a tool for each question, and answers once the last message is a result."""

    def _sample(self, row: Row, words: Words | None = None) -> Sampled:
        ids = self._requests[row.request_id].prompt.ids
        prompt = bytes(token for token in ids if token < 256)
        has_result = prompt.rfind(b"[tool]") > prompt.rfind(b"[user]")
        refused = b"not allow" in prompt[prompt.rfind(b"[tool]") :]
        answer = "Then look outside." if refused else "Take an umbrella."
        self.script = (
            f"{HEAD}{answer}" if has_result else f"{HEAD}{call_of('weather', city='Oslo')}"
        )
        return FakeRunner._sample(self, row, words)


@pytest.fixture(scope="module")
def url(built_page: None) -> Iterator[str]:
    with serve(lambda: Asker(chat_template=HERMES, repeats=False), options=OPTIONS) as address:
        yield address


def ask(page: Page, words: str) -> None:
    box = page.get_by_role("textbox", name="Ask something")
    box.fill(words)
    box.press("Enter")


def test_a_tool_is_asked_about_until_it_is_always_allowed(new_page: NewPage, url: str) -> None:
    page = open_story(new_page, url, "assistant", "")
    bodies = sent(page, "chat/completions")
    open_panel(page, "Story")
    page.get_by_role("checkbox", name="sky").check()
    assert_accessible(page)
    question = page.get_by_role("group", name="May the model call weather of sky?")

    ask(page, "Wet?")
    question.get_by_role("button", name="Refuse").click()
    wait(page, lambda: text(page).rstrip().endswith("Then look outside."), "the answer")
    assert "Rain in Oslo" not in text(page)
    assert bodies[0]["tools"] == [
        {"type": "mcp", "server_label": "sky", "require_approval": "always"}
    ]

    ask(page, "And now?")
    expect(question).to_contain_text('{"city":"Oslo"}')
    assert_accessible(page)
    question.get_by_role("button", name="Allow once").click()
    wait(page, lambda: text(page).rstrip().endswith("Take an umbrella."), "the answer")
    result = page.get_by_role("article").get_by_text("Rain in Oslo.")
    expect(result).not_to_be_visible()
    page.get_by_role("article").get_by_text("Result", exact=True).last.click()
    expect(result).to_be_visible()

    ask(page, "And then?")
    question.get_by_role("button", name="Always in this story").click()
    wait(page, lambda: text(page).count("Take an umbrella.") == 2, "the answer")
    ask(page, "And at last?")
    wait(page, lambda: text(page).count("Take an umbrella.") == 3, "the answer without a question")
    expect(page.get_by_text("Runs without asking: break, weather.")).to_be_visible()
    last = bodies[-1]["messages"]
    assert [message["role"] for message in last[-3:]] == ["user", "assistant", "tool"]
    assert "Rain in Oslo." in last[-1]["content"]

    # Undo takes back the answer alone; another take of it calls nothing again.
    wait_until_saved(page)
    calls = text(page).count("<tool_call>")
    button(page, "Retry").click()
    expect(page.get_by_role("group", name="Take 2 of 2")).to_be_visible()
    expect(button(page, "Continue")).to_be_visible()
    assert text(page).count("Take an umbrella.") == 3
    assert text(page).count("<tool_call>") == calls
    button(page, "Ask again").click()
    ask(page, "Really?")
    expect(question).to_be_visible()
