"""Anthropic's own client, unchanged, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import pytest

from api.test_tools import ARGUMENTS, HERMES, SCRIPT
from coblyn.engine.fake import STORY, FakeRunner
from live_server import serve

TALK: Any = [{"role": "user", "content": "How is the weather?"}]
WEATHER: Any = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@contextmanager
def client_of(script: str, template: str = "") -> Iterator[anthropic.Anthropic]:
    """A client of a model that writes a script."""
    with (
        serve(lambda: FakeRunner(script=script, chat_template=template)) as address,
        anthropic.Anthropic(base_url=address, api_key="none", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def teller() -> Iterator[anthropic.Anthropic]:
    with client_of(STORY) as client:
        yield client


@pytest.fixture(scope="module")
def caller() -> Iterator[anthropic.Anthropic]:
    with client_of(SCRIPT, HERMES) as client:
        yield client


def test_a_message_and_its_tokens(teller: anthropic.Anthropic) -> None:
    answer = teller.messages.create(
        model="claude", max_tokens=90, messages=TALK, system="Be brief.", stop_sequences=["water"]
    )
    assert answer.content[0].type == "text"
    assert answer.content[0].text == STORY.partition("water")[0]
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "water")
    counted = teller.messages.count_tokens(model="claude", messages=TALK, system="Be brief.")
    usage = answer.usage
    assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == counted.input_tokens
    again = teller.messages.create(model="claude", max_tokens=9, messages=TALK, system="Be brief.")
    assert again.usage.cache_read_input_tokens
    assert again.usage.cache_read_input_tokens + again.usage.input_tokens == counted.input_tokens


def test_a_stream_is_the_whole_answer(teller: anthropic.Anthropic) -> None:
    with teller.messages.stream(model="claude", max_tokens=500, messages=TALK) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == STORY
    assert message.content[0].type == "text"
    assert message.content[0].text == STORY
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > len(STORY) / 2


def test_models(teller: anthropic.Anthropic) -> None:
    assert [model.id for model in teller.models.list()] == ["fake"]
    assert teller.models.retrieve("fake").display_name == "fake"
    with pytest.raises(anthropic.NotFoundError, match="no model"):
        teller.models.retrieve("none")


def test_errors_are_the_clients_own(teller: anthropic.Anthropic) -> None:
    long: Any = [{"role": "user", "content": "x" * 9000}]
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 4095"):
        teller.messages.create(model="claude", max_tokens=9, messages=long)
    picture: Any = [{"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}]
    with pytest.raises(
        anthropic.BadRequestError, match=r"messages\[0\].content\[0\].source.url is an image"
    ):
        teller.messages.create(
            model="claude", max_tokens=9, messages=[{"role": "user", "content": picture}]
        )


def test_calls_and_thinking_whole_and_streamed(caller: anthropic.Anthropic) -> None:
    wanted: dict[str, Any] = {
        "model": "claude",
        "max_tokens": 2000,
        "messages": TALK,
        "tools": [WEATHER],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    answer = caller.messages.create(**wanted)
    with caller.messages.stream(**wanted) as stream:
        pieces = [event.partial_json for event in stream if event.type == "input_json"]
        streamed = stream.get_final_message()
    for message in (answer, streamed):
        assert message.stop_reason == "tool_use"
        thinking, text, call = message.content
        assert thinking.type == "thinking"
        assert thinking.thinking == "I shall look."
        assert thinking.signature
        assert text.type == "text"
        assert text.text == "One moment."
        assert call.type == "tool_use"
        assert (call.name, call.input) == ("weather", json.loads(ARGUMENTS))
        assert call.id
    assert len(pieces) > 3
    assert "".join(pieces) == ARGUMENTS
    plain = caller.messages.create(**{**wanted, "tools": []})
    assert plain.usage.output_tokens == answer.usage.output_tokens


def test_a_conversation_with_results_goes_on(caller: anthropic.Anthropic) -> None:
    answer = caller.messages.create(model="claude", max_tokens=2000, messages=TALK, tools=[WEATHER])
    result: Any = {
        "type": "tool_result",
        "tool_use_id": answer.content[-1].id,  # type: ignore[union-attr]  # it is a call
        "content": "rain",
    }
    history: Any = [
        *TALK,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    with caller.messages.stream(
        model="claude", max_tokens=2000, messages=history, tools=[WEATHER]
    ) as stream:
        assert stream.get_final_message().stop_reason == "tool_use"


def test_a_call_that_is_cut_is_told_as_cut(caller: anthropic.Anthropic) -> None:
    cut = SCRIPT.index('"Oslo"') + 3
    wanted: dict[str, Any] = {
        "model": "claude",
        "max_tokens": cut,
        "messages": TALK,
        "tools": [WEATHER],
    }
    answer = caller.messages.create(**wanted)
    assert answer.stop_reason == "max_tokens"
    assert [block.type for block in answer.content][-1] == "tool_use"
    with caller.messages.stream(**wanted) as stream:
        assert stream.get_final_message().stop_reason == "max_tokens"
