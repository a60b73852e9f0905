"""Prompts that are echoed, and how likely they are."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

TEXT = "/v1/completions"
LIKELY = math.log(0.5)
"""What the scripted model says of every token that it writes."""


@pytest.fixture
async def fake() -> AsyncIterator[Client]:
    engine = LocalEngine(lambda: FakeRunner(script="xyz"), max_running=4)
    yield Client(create_app(engine))
    await engine.close()


async def choice(client: Client, **body: Any) -> dict[str, Any]:
    reply = await client.post(TEXT, {"echo": True, "logprobs": 1, **body})
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json["choices"][0]
    return found


async def test_the_tokens_of_a_text_have_log_probabilities(fake: Client) -> None:
    found = await choice(fake, prompt="abé", max_tokens=2)
    assert found["text"] == "abéxy"
    logprobs = found["logprobs"]
    assert logprobs["text_offset"] == [0, 1, 2, 2, 3, 4]
    assert logprobs["token_logprobs"] == [None, *[pytest.approx(LIKELY)] * 5]
    assert logprobs["top_logprobs"][0] is None
    assert logprobs["tokens"][:2] == ["a", "b"]
    assert list(logprobs["top_logprobs"][1]) == ["b"]


async def test_token_ids_are_taken_as_they_are(fake: Client) -> None:
    found = await choice(fake, prompt=[97, 257, 98], max_tokens=1)
    assert found["text"] == "a<end>bx"
    assert found["logprobs"]["tokens"] == ["a", "<end>", "b", "x"]
    assert found["logprobs"]["token_logprobs"][0] is None
    found = await choice(fake, prompt=[97], max_tokens=1)
    assert found["logprobs"]["tokens"] == ["a", "x"]


async def test_nothing_is_written_where_nothing_is_wanted(fake: Client) -> None:
    reply = await fake.post(TEXT, {"prompt": "ab", "echo": True, "logprobs": 0, "max_tokens": 0})
    (found,) = reply.json["choices"]
    assert (found["text"], found["finish_reason"]) == ("ab", "length")
    assert found["logprobs"]["token_logprobs"] == [None, pytest.approx(LIKELY)]
    assert reply.json["usage"]["completion_tokens"] == 0
    assert reply.json["usage"]["prompt_tokens"] == 3


async def test_several_prompts_and_choices(fake: Client) -> None:
    body = {"prompt": ["ab", "c"], "n": 2, "echo": True, "logprobs": 0, "max_tokens": 1}
    answer = (await fake.post(TEXT, body)).json
    assert [each["text"] for each in answer["choices"]] == ["abx", "abx", "cx", "cx"]
    assert [len(each["logprobs"]["tokens"]) for each in answer["choices"]] == [3, 3, 2, 2]


@pytest.mark.parametrize("max_tokens", [0, 2])
async def test_a_stream_says_the_same(fake: Client, max_tokens: int) -> None:
    body = {"prompt": "abé", "echo": True, "logprobs": 1, "max_tokens": max_tokens}
    whole = (await fake.post(TEXT, body)).json["choices"][0]
    reply = await fake.post(TEXT, body | {"stream": True})
    parts = [json.loads(line[6:])["choices"][0] for line in reply.body.decode().split("\n\n")[:-2]]
    assert "".join(part["text"] for part in parts) == whole["text"]
    for name, values in whole["logprobs"].items():
        told = [each for part in parts if part["logprobs"] for each in part["logprobs"][name]]
        assert told == values
    assert parts[-1]["finish_reason"] == whole["finish_reason"]


async def test_a_prompt_that_is_too_long_is_refused_before_it_is_scored(fake: Client) -> None:
    body = {"prompt": "a" * 5000, "echo": True, "logprobs": 1}
    assert (await fake.post(TEXT, body)).json["error"]["code"] == "context_length_exceeded"
