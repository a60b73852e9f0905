"""Ollama's own client, unchanged, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ollama
import pytest

from api.test_tools import ARGUMENTS, HERMES, SCRIPT, WEATHER
from coblyn import paths
from coblyn.engine.fake import STORY, FakeRunner
from live_server import serve

TALK: Any = [{"role": "user", "content": "How is the weather?"}]


@contextmanager
def client_of(script: str, template: str = "") -> Iterator[ollama.Client]:
    """A client of a model that writes a script."""
    with (
        serve(lambda: FakeRunner(script=script, chat_template=template)) as address,
        ollama.Client(host=address) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def teller() -> Iterator[ollama.Client]:
    with client_of(STORY) as client:
        yield client


@pytest.fixture(scope="module")
def caller() -> Iterator[ollama.Client]:
    with client_of(SCRIPT, HERMES) as client:
        yield client


def test_generate_whole_and_streamed(teller: ollama.Client) -> None:
    whole = teller.generate("fake", "Tell me a story.", options={"stop": ["water"]})
    assert whole.response == STORY.partition("water")[0]
    assert whole.done_reason == "stop"
    assert whole.context
    assert whole.total_duration
    assert whole.eval_count
    pieces = list(teller.generate("fake", "Tell me a story.", stream=True))
    assert "".join(piece.response for piece in pieces) == STORY
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    again = teller.generate("fake", "And then?", context=whole.context, options={"num_predict": 5})
    assert again.context
    assert list(again.context)[: len(whole.context)] == list(whole.context)


def test_chat_with_a_format_and_log_probabilities(teller: ollama.Client) -> None:
    schema = {"enum": ["rain"]}
    whole = teller.chat("fake", TALK, format=schema, logprobs=True, top_logprobs=2)
    assert whole.message.content
    assert json.loads(whole.message.content) == "rain"
    assert whole.logprobs
    assert len(whole.logprobs[0].top_logprobs or []) == 2


def test_calls_and_thinking(caller: ollama.Client) -> None:
    wanted: dict[str, Any] = {"model": "fake", "messages": TALK, "tools": [WEATHER], "think": True}
    whole = caller.chat(**wanted).message
    pieces = [piece.message for piece in caller.chat(**wanted, stream=True)]
    calls = [call for piece in pieces for call in piece.tool_calls or []]
    for thinking, content, (call,) in (
        (whole.thinking, whole.content, whole.tool_calls or []),
        (
            "".join(piece.thinking or "" for piece in pieces),
            "".join(piece.content or "" for piece in pieces),
            calls,
        ),
    ):
        assert (thinking, content) == ("I shall look.", "One moment.")
        assert (call.function.name, call.function.arguments) == ("weather", json.loads(ARGUMENTS))
    history = [*TALK, whole, {"role": "tool", "tool_name": "weather", "content": "rain"}]
    assert caller.chat("fake", history, tools=[WEATHER]).message.tool_calls


def test_a_call_that_is_cut_is_told_as_text(caller: ollama.Client) -> None:
    cut = {"num_predict": SCRIPT.index('"Oslo"') + 3}
    whole = caller.chat("fake", TALK, tools=[WEATHER], options=cut)
    pieces = list(caller.chat("fake", TALK, tools=[WEATHER], options=cut, stream=True))
    assert (whole.done_reason, pieces[-1].done_reason) == ("length", "length")
    told = 'One moment.{"name": "weather", "arguments": {"city": "Os'
    assert (whole.message.content, whole.message.tool_calls) == (told, None)
    assert "".join(piece.message.content or "" for piece in pieces) == told
    assert [piece.message.tool_calls for piece in pieces if piece.message.tool_calls] == []


def test_models_are_listed_made_and_deleted(teller: ollama.Client) -> None:
    teller.create("pirate", from_="fake", system="Arr.", parameters={"num_predict": 3})
    assert {model.model for model in teller.list().models} == {"fake:latest", "pirate:latest"}
    assert teller.ps().models[0].context_length == 4096
    shown = teller.show("pirate")
    assert shown.capabilities == ["completion"]
    assert shown.modelinfo
    assert teller.chat("pirate", TALK).message.content == STORY[:3]
    progress = list(teller.pull("fake", stream=True))
    assert progress[-1].status == "success"
    teller.copy("pirate", "mate")
    teller.delete("pirate")
    with pytest.raises(ollama.ResponseError, match="not found"):
        teller.show("pirate")
    assert len(teller.embed("fake", ["one text", "another"]).embeddings) == 2
    assert (paths.models() / "created").is_dir()
