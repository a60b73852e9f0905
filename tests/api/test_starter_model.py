"""Clients that people use, unchanged, with the starter model in the real engine: talk, calls, forms, vectors."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx
import ollama
import openai
import pytest

import patient
from coblyn.engine.config import EngineConfig
from coblyn.engine.plan import Plan, Sampled
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from live_server import serve

pytestmark = pytest.mark.native

NAME, BATCH = "SmolLM2-135M-Instruct.Q4_1", 32
TALK: Any = [{"role": "user", "content": "How is the weather in Oslo?"}]
ARGUMENTS = {
    "type": "object",
    "properties": {"city": {"enum": ["Oslo", "Rome"]}, "days": {"enum": [1, 2]}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
FUNCTION: Any = {"name": "weather", "description": "Says it.", "parameters": ARGUMENTS}
TOOL: Any = {"type": "function", "function": FUNCTION}


class Watched(LlamaRunner):
    """Counts its steps."""

    num_steps = 0

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        self.num_steps += 1
        return super().run(plan)


@pytest.fixture(scope="module")
def runners() -> list[Watched]:
    return []


@pytest.fixture(scope="module")
def address(bundle: Bundle, starter_model: Path, runners: list[Watched]) -> Iterator[str]:
    config = EngineConfig(
        str(starter_model),
        str(bundle.lib_dir),
        context=4096,
        batch=BATCH,
        threads=2,
        max_running=2,
        num_idle=2,
        kernels=False,
    )

    def make_runner() -> Watched:
        runners.append(Watched(config))
        return runners[0]

    with serve(make_runner) as url:
        yield url


@pytest.fixture
def talker(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        yield client


def is_call(arguments: Any) -> bool:
    return set(arguments) == {"city", "days"} and arguments["days"] in (1, 2)


def test_openai_talks_streams_and_embeds(talker: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": NAME, "messages": TALK, "max_tokens": 12, "temperature": 0}
    whole = talker.chat.completions.create(**asked)
    said = whole.choices[0].message.content
    assert said
    assert whole.usage
    assert whole.usage.completion_tokens <= 12
    with talker.chat.completions.create(**asked, stream=True) as stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == said
    told = talker.responses.create(model=NAME, input=TALK, max_output_tokens=16, temperature=0)
    assert told.output_text[: len(said)] == said
    vectors = talker.embeddings.create(model=NAME, input=["rain", "snow"]).data
    assert [len(each.embedding) for each in vectors] == [576, 576]


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_openai_calls(talker: openai.OpenAI, choice: Any) -> None:
    asked: dict[str, Any] = {
        "model": NAME,
        "messages": TALK,
        "tools": [TOOL],
        "tool_choice": choice,
        "parallel_tool_calls": False,
    }
    answer = talker.chat.completions.create(**asked).choices[0]
    assert answer.finish_reason == "tool_calls"
    assert answer.message.tool_calls
    (call,) = answer.message.tool_calls
    assert call.type == "function"
    assert is_call(json.loads(call.function.arguments))
    with talker.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion().choices[0].message.tool_calls
    assert streamed
    assert is_call(json.loads(streamed[0].function.arguments))
    result = {"role": "tool", "tool_call_id": call.id, "content": "Rain."}
    history: Any = [*TALK, answer.message.model_dump(exclude_none=True), result]
    after = talker.chat.completions.create(
        model=NAME, messages=history, tools=[TOOL], tool_choice="none", max_tokens=8
    )
    assert after.choices[0].finish_reason in ("stop", "length")


def test_openai_calls_by_responses(talker: openai.OpenAI) -> None:
    with talker.responses.stream(
        model=NAME,
        input=TALK,
        tools=[{"type": "function", "strict": True, **FUNCTION}],
        tool_choice="required",
        parallel_tool_calls=False,
    ) as stream:
        (item,) = stream.get_final_response().output
    assert item.type == "function_call"
    assert is_call(json.loads(item.arguments))


def test_openai_answers_in_a_form(talker: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": ARGUMENTS}}
    other: Any = {**TOOL, "function": {**FUNCTION, "name": "other"}}
    # A small model may write calls until its context is full, which cuts the last one.
    for more in ({}, {"tools": [other], "parallel_tool_calls": False}):
        answer = talker.chat.completions.create(
            model=NAME, messages=TALK, response_format=form, **more
        ).choices[0]
        assert answer.finish_reason in ("stop", "tool_calls")
        calls = answer.message.tool_calls or []
        texts = [answer.message.content or "", *(call.function.arguments for call in calls)]
        assert all(is_call(json.loads(text)) for text in texts if text)
        assert any(texts)


def test_anthropic_talks_and_calls(address: str) -> None:
    tool: Any = {"name": "weather", "input_schema": ARGUMENTS}
    with anthropic.Anthropic(base_url=address, api_key="none", max_retries=0) as client:
        said = client.messages.create(model=NAME, messages=TALK, max_tokens=8)
        assert said.usage.output_tokens <= 8
        with client.messages.stream(
            model=NAME,
            messages=TALK,
            max_tokens=200,
            tools=[tool],
            tool_choice={"type": "any", "disable_parallel_tool_use": True},
        ) as stream:
            (block,) = stream.get_final_message().content
    assert block.type == "tool_use"
    assert is_call(block.input)


def test_ollama_talks_forms_and_embeds(address: str) -> None:
    quick = {"num_predict": 8, "temperature": 0}
    with ollama.Client(address) as client:
        pieces = client.chat(NAME, TALK, stream=True, options=quick)
        text = "".join(piece.message.content or "" for piece in pieces)
        assert text == client.chat(NAME, TALK, options=quick).message.content != ""
        assert is_call(json.loads(client.chat(NAME, TALK, format=ARGUMENTS).message.content or ""))
        assert len(client.embed(NAME, ["rain", "snow"]).embeddings) == 2
        with pytest.raises(ollama.ResponseError, match="model 'x' not found"):
            client.chat("x", TALK)


def test_koboldapi_writes_and_streams(address: str) -> None:
    from koboldapi import KoboldAPI

    api = KoboldAPI(address)
    assert api.get_model() == f"koboldcpp/{NAME}"
    assert api.generate("Once upon a time", max_length=8, temperature=0) != ""
    assert api.count_tokens("Once")["count"] == len(api.tokenize("Once"))


UNREAD = "knock " * 3000
"""A prompt of about a hundred steps."""

UNREAD_TALK = {"model": NAME, "messages": [{"role": "user", "content": UNREAD}], "max_tokens": 5}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": UNREAD}),
        ("/v1/chat/completions", UNREAD_TALK),
        ("/v1/responses", {"model": NAME, "input": UNREAD}),
        ("/v1/messages", UNREAD_TALK),
        ("/api/chat", UNREAD_TALK | {"stream": False}),
        ("/api/v1/generate", {"prompt": UNREAD, "max_length": 5}),
        ("/completion", {"prompt": UNREAD}),
    ],
)
def test_reading_ends_when_the_client_leaves(
    path: str, body: dict[str, Any], address: str, runners: list[Watched]
) -> None:
    begun = runners[0].num_steps
    parts, data = urlsplit(address), json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as line:
        line.sendall(head.encode() + data)
        while runners[0].num_steps < begun + 2:
            time.sleep(0.001)
    wait_until_idle(address)
    ended = runners[0].num_steps
    assert ended - begun < 60, "most of the prompt was not read"
    httpx.post(f"{address}/v1/completions", json={"prompt": "y", "max_tokens": 3}, timeout=60)
    assert runners[0].num_steps - ended <= 6, "only the step in hand, and the next request's"


def wait_until_idle(address: str) -> None:
    deadline = time.monotonic() + 20
    while patient.get(f"{address}/health").json()["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.005)
