"""Anthropic's dialect, driven as its clients drive it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asgi import Client, Reply
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.interface import Runner
from coblyn.engine.local import LocalEngine
from coblyn.errors import Busy, EngineRestarted
from factories import SteppedEngine, make_info

MESSAGES = "/v1/messages"
PLAIN = (
    "{% for m in messages %}[{{ m.role }}{% if m.name %} {{ m.name }}{% endif %}]{{ m.content }}"
    "{% for c in m.tool_calls or [] %}({{ c.id }} {{ c.function | tojson }}){% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)
"""A template that shows what it got."""


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


@asynccontextmanager
async def serving(make_runner: Callable[[], Runner]) -> AsyncIterator[Client]:
    """A client of an engine with a script."""
    engine = LocalEngine(make_runner)
    try:
        yield Client(create_app(engine))
    finally:
        await engine.close()


def events(reply: Reply) -> list[tuple[str, Any]]:
    """Names and contents of all events of a stream."""
    found = []
    for part in reply.body.decode().split("\n\n")[:-1]:
        name, data = part.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


@pytest.fixture
def plain(engine: SteppedEngine) -> SteppedEngine:
    """An engine whose model's template shows what it got; it says it again in capitals."""
    engine._runner.chat_template = PLAIN
    return engine


async def prompt_of(client: Client, engine: SteppedEngine, **body: Any) -> str:
    """The prompt that a body becomes."""
    reply = await client.post(MESSAGES, {"max_tokens": 1, **body})
    assert reply.status == 200, reply.body
    return "".join(chr(t) for t in engine.requests[-1].prompt.ids if t < 256)


async def test_a_whole_message(client: Client) -> None:
    reply = await client.post(
        MESSAGES, {"messages": user("hi"), "max_tokens": 3, "model": "claude"}
    )
    assert reply.status == 200
    answer = reply.json
    assert answer.pop("id").startswith("msg_")
    assert reply.headers["request-id"].startswith("req_")
    assert answer == {
        "type": "message",
        "role": "assistant",
        "model": "fake",
        "content": [{"type": "text", "text": "<|I"}],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 52,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 1,
            "output_tokens": 3,
        },
    }


async def test_a_stream_has_its_events_in_order(client: Client) -> None:
    reply = await client.post(
        MESSAGES, {"messages": user("hi"), "max_tokens": 2, "stream": True, "model": "m"}
    )
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = events(reply)
    assert all(name == data["type"] for name, data in found)
    assert [name for name, _ in found] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start, end = found[0][1]["message"], found[-2][1]
    assert start.pop("id").startswith("msg_")
    assert start == {
        "type": "message",
        "role": "assistant",
        "model": "fake",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 53,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
    assert found[1][1]["content_block"] == {"type": "text", "text": ""}
    assert found[2][1]["delta"] == {"type": "text_delta", "text": "<"}
    assert end["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert end["usage"]["output_tokens"] == 2


async def test_a_stop_sequence_is_named() -> None:
    async with serving(FakeRunner) as local:
        body = {"messages": user("hi"), "max_tokens": 90, "stop_sequences": ["zzz", "went"]}
        answer = (await local.post(MESSAGES, body)).json
        assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "went")
        assert answer["content"] == [{"type": "text", "text": "The lamp "}]
        streamed = events(await local.post(MESSAGES, body | {"stream": True}))
        assert streamed[-2][1]["delta"] == {
            "stop_reason": "stop_sequence",
            "stop_sequence": "went",
        }


async def test_the_end_of_the_window_is_told_from_the_limit() -> None:
    async with serving(lambda: FakeRunner(context=96, repeats=True)) as client:
        body = {"messages": user("hi"), "max_tokens": 32_000}
        assert (await client.post(MESSAGES, body)).json["stop_reason"] == (
            "model_context_window_exceeded"
        )


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ({"system": "Be.", "messages": user("a")}, "[system]Be.[user]a[assistant]"),
        (
            {
                "system": [
                    {"type": "text", "text": "x-anthropic-billing-header: cch=1a2b3;"},
                    {"type": "text", "text": "One.", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "Two."},
                ],
                "messages": user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            },
            "[system]One.\n\nTwo.[user]a\n\nb[assistant]",
        ),
        ({"messages": [*user("a"), *user("b")]}, "[user]a\n\nb[assistant]"),
        (
            {"messages": [*user("a"), {"role": "system", "content": "late"}, *user("b")]},
            "[user]a[system]late[user]b[assistant]",
        ),
        (
            {"messages": [*user("a"), {"role": "assistant", "content": "So"}]},
            "[user]a[assistant]So",
        ),
        (
            {
                "messages": [
                    *user("a"),
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "hm", "signature": ""},
                            {"type": "redacted_thinking", "data": "x"},
                            {"type": "text", "text": "Let me see."},
                            {"type": "tool_use", "id": "t1", "name": "look", "input": {"x": 1}},
                        ],
                    },
                    *user(
                        [
                            {"type": "text", "text": "Well?"},
                            {
                                "type": "tool_result",
                                "tool_use_id": "t1",
                                "content": [
                                    {"type": "text", "text": "gone"},
                                    {"type": "image", "source": {}},
                                ],
                                "is_error": True,
                            },
                        ]
                    ),
                ]
            },
            (
                '[user]a[assistant]Let me see.(t1 {"name": "look", "arguments": {"x": 1}})'
                "[tool look]Error: gone\n\n[An image stood here, which this model cannot see.]"
                "[user]Well?[assistant]"
            ),
        ),
        (
            {
                "messages": user(
                    [
                        {
                            "type": "document",
                            "title": "T",
                            "source": {"type": "text", "media_type": "text/plain", "data": "D"},
                        },
                        {"type": "search_result", "title": "S", "source": "u", "content": []},
                        {"type": "container_upload", "file_id": "x"},
                    ]
                )
            },
            "[user]T\nD\n\nS\nu\n[assistant]",
        ),
    ],
)
async def test_conversations(
    client: Client, plain: SteppedEngine, body: dict[str, Any], prompt: str
) -> None:
    assert (await prompt_of(client, plain, **body)) == prompt


async def test_tokens_are_counted_as_they_are_generated_from(
    client: Client, plain: SteppedEngine
) -> None:
    body = {
        "system": "Be.",
        "messages": user("hello"),
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    }
    count = (await client.post(f"{MESSAGES}/count_tokens?beta=true", body)).json
    usage = (await client.post(MESSAGES, {**body, "max_tokens": 1})).json["usage"]
    assert count == {"input_tokens": usage["input_tokens"] + usage["cache_read_input_tokens"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": user(5)}, "messages[0].content"),
        ({"messages": user([{"text": "x"}])}, "messages[0].content[0]"),
        (
            {"messages": user([{"type": "image", "source": {}}])},
            "messages[0].content[0] is an image",
        ),
        (
            {"messages": user([{"type": "document", "source": {"type": "base64", "data": ""}}])},
            "messages[0].content[0] is a document",
        ),
        ({"messages": user("x"), "max_tokens": 0}, "max_tokens"),
        ({"messages": user("x"), "thinking": {"type": "deep"}}, "thinking.type"),
        ({"messages": user("x"), "output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"messages": user("x"), "tools": [{"description": "x"}]}, "tools[0].name"),
        ({"messages": user("x"), "tool_choice": {"type": "tool", "name": "f"}}, "no tool 'f'"),
        ({"messages": user("x"), "tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"messages": user("x"), "tool_choice": {"type": []}}, "tool_choice.type"),
        ({"messages": user("x"), "tool_choice": {"type": "tool", "name": []}}, "no tool []"),
        ({"messages": user("x"), "output_config": {"effort": []}}, "output_config.effort"),
        ({"messages": user("x"), "temperature": "hot"}, "temperature"),
    ],
)
async def test_what_is_wrong_is_named(client: Client, body: dict[str, Any], message: str) -> None:
    reply = await client.post(MESSAGES, {"max_tokens": 5, **body})
    assert reply.status == 400
    error = reply.json
    assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
    assert message in error["error"]["message"]
    assert error["request_id"] == reply.headers["request-id"]


async def test_errors_have_anthropics_types(client: Client, engine: SteppedEngine) -> None:
    body = {"messages": user("x"), "max_tokens": 5}
    long = (await client.post(MESSAGES, {"messages": user("x" * 9000), "max_tokens": 5})).json
    assert "prompt is too long: 9051 tokens > 4095 maximum" in long["error"]["message"]
    missing = await client.get("/v1/messages/nothing")
    assert (missing.status, missing.json["error"]["type"]) == (404, "not_found_error")
    engine.refusal = Busy("The queue is full.")
    busy = await client.post(MESSAGES, body)
    assert (busy.status, busy.json["error"]["type"]) == (529, "overloaded_error")
    named = {busy.headers["request-id"], busy.headers["x-request-id"], busy.json["request_id"]}
    assert len(named) == 1, "one name for one request"
    engine.refusal = None
    engine.fail_after = (1, EngineRestarted("The engine died."))
    broken = events(await client.post(MESSAGES, body | {"stream": True}))
    assert broken[-1][0] == "error"
    assert broken[-1][1]["error"]["message"] == "The engine died."


async def test_models_are_told_apart_by_the_header(client: Client) -> None:
    page = (await client.get("/v1/models?limit=20", anthropic_version="2023-06-01")).json
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("fake", "fake", False)
    assert page["data"][0]["type"] == "model"
    assert page["data"][0]["max_input_tokens"] == make_info().context
    one = await client.get("/v1/models/fake", anthropic_version="2023-06-01")
    assert one.json == page["data"][0]
    none = await client.get("/v1/models/none", anthropic_version="2023-06-01")
    assert (none.status, none.json["error"]["type"]) == (404, "not_found_error")
    assert (await client.get("/v1/models")).json["object"] == "list"


async def test_server_tools_are_left_out_and_client_tools_have_their_schema(
    client: Client, engine: SteppedEngine
) -> None:
    engine._runner.chat_template = "{{ tools | tojson }}"
    tools = [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"type": "bash_20250124", "name": "bash"},
        {"name": "now"},
    ]
    reply = await client.post(MESSAGES, {"messages": user("x"), "max_tokens": 1, "tools": tools})
    assert reply.headers["x-coblyn-warnings"] == "tools[0]"
    told = "".join(chr(t) for t in engine.requests[-1].prompt.ids if t < 256)
    names = [tool["function"]["name"] for tool in json.loads(told)]
    assert names == ["bash", "now"]
    assert "restart" in told


async def test_thinking_is_off_unless_it_is_asked_for(
    client: Client, engine: SteppedEngine
) -> None:
    engine._runner.chat_template = "{{ enable_thinking }} {{ reasoning_effort }}"
    engine._runner.chat_template += "{# <think> #}"
    high = {"effort": "xhigh"}
    for body, told, limit in (
        ({}, "False ", None),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "True ", 5),
        ({"thinking": {"type": "adaptive"}, "output_config": high}, "True high", None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "True low", 1024),
        ({"thinking": {"type": "disabled"}, "output_config": high}, "False high", 0),
    ):
        assert await prompt_of(client, engine, messages=user("x"), **body) == told
        thinking = engine.requests[-1].thinking
        assert thinking
        assert thinking.max_tokens == limit
