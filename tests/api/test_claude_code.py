"""A turn of a coding agent that speaks Anthropic's messages, as Claude Code sends it."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from api.test_tools import HERMES
from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from factories import SteppedEngine

PATH = "/v1/messages?beta=true"
BETAS = "claude-code-20250219,mid-conversation-system-2026-04-07,effort-2025-11-24,not-a-beta"
HEADERS = {
    "anthropic-version": "2026-10-21",
    "anthropic-beta": BETAS,
    "anthropic-dangerous-direct-browser-access": "true",
    "authorization": "Bearer none",
    "x-app": "cli",
    "x-stainless-lang": "js",
}
CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
SCRIPT = (
    "<think>I have to list files.</think>\nI look.\n"
    '<tool_call>{"name": "Bash", "arguments": {"command": "ls"}}</tool_call>\n'
    '<tool_call>{"name": "Read", "arguments": {"file_path": "a.py"}}</tool_call>'
)


def tool(name: str, *required: str, **more: Any) -> dict[str, Any]:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {each: {"type": "string", "description": each} for each in required},
        "required": list(required),
        "additionalProperties": False,
    }
    return {"name": name, "description": f"{name}s.", "input_schema": schema, **more}


def billing(digits: str) -> dict[str, Any]:
    """The block that differs in every request."""
    head = "x-anthropic-billing-header: cc_version=2.1.9; cc_entrypoint=cli;"
    return {"type": "text", "text": f"{head} cch={digits};"}


TURN: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 32_000,
    "stream": True,
    "system": [
        billing("0a1b2"),
        {"type": "text", "text": "You are an agent.", **CACHED},
        {"type": "text", "text": "Follow the rules.", **CACHED},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<system-reminder>Be brief.</system-reminder>"},
                {"type": "text", "text": "list", **CACHED},
            ],
        },
        {"role": "system", "content": "Today is Monday."},
    ],
    "tools": [
        tool("Bash", "command", eager_input_streaming=True),
        tool("Read", "file_path", defer_loading=True),
        *(tool(f"mcp__docs__t{index}", "q") for index in range(30)),
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, **CACHED},
    ],
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": "user_abc_account__session_def"},
    "temperature": 1,
}


@pytest.fixture
async def agent() -> Any:
    engine = LocalEngine(
        lambda: FakeRunner(script=SCRIPT, chat_template=HERMES, context=32_768, num_cells=65_536),
        max_running=2,
    )
    yield Client(create_app(engine))
    await engine.close()


async def turn(client: Client, **changes: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The blocks of an answer, put together as its client does, and the last delta."""
    reply = await client.post(PATH, {**TURN, **changes}, **HEADERS)
    assert reply.status == 200, reply.body
    lines = reply.body.decode().splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line[:6] == "data: "]
    named = [line.removeprefix("event: ") for line in lines if line[:7] == "event: "]
    assert named == [event["type"] for event in events]
    assert (named[0], named[-1]) == ("message_start", "message_stop")
    blocks: list[dict[str, Any]] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        if event["type"] == "content_block_delta":
            for key, value in event["delta"].items():
                name = {"partial_json": "json"}.get(key, key)
                if name != "type":
                    blocks[-1][name] = blocks[-1].get(name, "") + value
    return blocks, next(event for event in events if event["type"] == "message_delta")


async def test_a_turn_and_the_next_one(agent: Client) -> None:
    blocks, last = await turn(agent)
    assert [block["type"] for block in blocks] == ["thinking", "text", "tool_use", "tool_use"]
    assert last["delta"]["stop_reason"] == "tool_use"
    assert json.loads(blocks[2]["json"]) == {"command": "ls"}
    for block in blocks[2:]:
        block["input"] = json.loads(block.pop("json"))
    said = {"role": "assistant", "content": [*blocks[2:]]}
    said["content"][:0] = [{key: each[key] for key in each if key != "json"} for each in blocks[:2]]
    picture = io.BytesIO()
    Image.new("RGB", (2, 2)).save(picture, "PNG")
    source = {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(picture.getvalue()).decode(),
    }
    results = [
        {
            "type": "tool_result",
            "tool_use_id": blocks[2]["id"],
            "content": [{"type": "text", "text": "a.py"}, {"type": "image", "source": source}],
            **CACHED,
        },
        {
            "type": "tool_result",
            "tool_use_id": blocks[3]["id"],
            "is_error": True,
            "content": [{"type": "tool_reference", "tool_name": "Read"}],
        },
        {"type": "text", "text": "go on"},
    ]
    history = [*TURN["messages"], said, {"role": "user", "content": results}]
    left = {"role": "system", "content": [{"type": "text", "text": "Tokens left: 100."}]}
    again, after = await turn(agent, messages=[*history, left], system=[billing("fffff")])
    assert [block["type"] for block in again] == [block["type"] for block in blocks]
    assert after["usage"]["input_tokens"] >= 0


async def test_the_next_request_has_the_same_beginning(engine: SteppedEngine) -> None:
    """The block that differs is left out, and what came before is read from the cache."""
    engine._runner.chat_template = HERMES
    client = Client(create_app(engine))
    system = TURN["system"][1:]
    for digits in ("0a1b2", "fffff"):
        body = {**TURN, "tools": [], "stream": False, "system": [billing(digits), *system]}
        assert (await client.post(PATH, body)).status == 200
    first, second = (list(request.prompt.ids) for request in engine.requests)
    assert first == second
    text = "".join(chr(token) for token in first if token < 256)
    assert "billing" not in text
    assert text.index("list") < text.index("Today is Monday"), "late system text stays in place"


async def test_tokens_are_counted_without_a_limit(agent: Client) -> None:
    body = {key: TURN[key] for key in ("model", "messages", "system", "tools", "thinking")}
    reply = await agent.post("/v1/messages/count_tokens?beta=true", body)
    assert set(reply.json) == {"input_tokens"}
    assert reply.json["input_tokens"] > 500


async def test_side_tasks_of_a_smaller_model_are_answered(agent: Client) -> None:
    form = {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"isNewTopic": {"type": "boolean"}},
            "required": ["isNewTopic"],
            "additionalProperties": False,
        },
    }
    blocks, last = await turn(
        agent,
        model="claude-haiku-4-5-20251001",
        max_tokens=512,
        tools=[],
        thinking={"type": "disabled"},
        output_config={"format": form},
    )
    assert isinstance(json.loads(blocks[-1]["text"])["isNewTopic"], bool)
    assert last["delta"]["stop_reason"] == "end_turn"


async def test_a_conversation_that_is_too_long_is_recognised(agent: Client) -> None:
    long = [{"role": "user", "content": "a" * 40_000}]
    reply = await agent.post(PATH, {**TURN, "messages": long})
    assert reply.status == 400
    assert reply.json["error"]["message"].startswith("prompt is too long")


async def test_what_it_reports_elsewhere_is_no_error_of_ours(agent: Client) -> None:
    assert (await agent.send("HEAD", "/")).status < 500
    for path in ("/api/event_logging/batch", "/api/event_logging/v2/batch"):
        assert (await agent.post(path, {"events": []})).status == 404
