"""A model's own template serves, unless it cannot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from coblyn.chat.messages import Message, Tool
from coblyn.chat.renderer import BeyondLimits, run_here
from coblyn.chat.template import ChatTemplate
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt
from coblyn.service.conversation import Conversations, conversations_of
from factories import make_info

TALK = ChatPrompt((Message("user", "hi"),))
WITH_TOOL = ChatPrompt(TALK.messages, tools=(Tool("look", "", {}),))
FAMILY = "family: {{ messages[0].content }}"


def conversations(
    source: str, with_tools: str = "", make: Callable[[str], ChatTemplate] = ChatTemplate
) -> Conversations:
    return Conversations(source, with_tools, FAMILY, make)


def test_its_own_template_serves() -> None:
    both = conversations("own: {{ messages[0].content }}", "tools: {{ tools[0].function.name }}")
    assert both.render(TALK).text == "own: hi"
    assert both.render(WITH_TOOL).text == "tools: look"
    assert both.warning == ""


@pytest.mark.parametrize(
    ("source", "reason"), [("", "no chat template"), ("a\n{% for %}", "line 2")]
)
def test_one_of_the_family_serves_where_there_is_none_or_a_broken_one(
    source: str, reason: str
) -> None:
    found = conversations(source)
    assert found.render(TALK).text == "family: hi"
    assert reason in found.warning


def test_a_refusal_is_no_defect() -> None:
    found = conversations("{{ raise_exception('never') }}")
    with pytest.raises(BadRequest, match="never"):
        found.render(TALK)
    assert found.warning == ""


def test_what_goes_beyond_its_limits_is_given_up_at_last() -> None:
    tried: list[str] = []

    def run(source: str, variables: object) -> str:
        if source.startswith("family"):
            return run_here(source, variables)  # type: ignore[arg-type]
        tried.append(source)
        raise BeyondLimits("It takes too much time.")

    found = conversations("slow", make=partial(ChatTemplate, run=run))
    for _ in range(5):
        assert found.render(TALK).text == "family: hi"
    assert len(tried) == 3
    assert "too much time" in found.warning


def test_models_with_the_same_templates_share_them() -> None:
    info = make_info(chat_template="{{ messages[0].content }}")
    assert conversations_of(info) is conversations_of(info)
    assert conversations_of(info).render(TALK).text == "hi"
