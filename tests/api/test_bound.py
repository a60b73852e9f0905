"""Constraints and banned phrases over HTTP, on the engine's own loop with a script in place of a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

CHAT, TEXT, KOBOLD = "/v1/chat/completions", "/v1/completions", "/api/v1/generate"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    engine = LocalEngine(FakeRunner, max_running=4)
    yield Client(create_app(engine))
    await engine.close()


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def test_a_text_is_bound_by_a_schema(client: Client) -> None:
    body = {
        "messages": user("a"),
        "response_format": {"type": "json_schema", "json_schema": {"schema": {"enum": ["yes", 7]}}},
    }
    reply = await client.post(CHAT, body)
    choice = reply.json["choices"][0]
    assert json.loads(choice["message"]["content"]) in ("yes", 7)
    assert choice["finish_reason"] == "stop"


async def test_a_schema_that_cannot_be_enforced_is_refused_before_a_stream_begins(
    client: Client,
) -> None:
    body = {"messages": user("a"), "stream": True, "guided_json": {"items": {"contains": {}}}}
    reply = await client.post(CHAT, body)
    assert reply.status == 400
    assert "#/items" in reply.json["error"]["message"]


async def test_banned_phrases_are_not_written(client: Client) -> None:
    body = {"prompt": "a", "max_tokens": 60, "temperature": 0}
    text = (await client.post(TEXT, body)).json["choices"][0]["text"]
    word = text.split()[1]
    banned = await client.post(TEXT, body | {"banned_strings": [word.upper()]})
    assert word not in banned.json["choices"][0]["text"].lower()


async def test_banned_patterns_are_not_written(client: Client) -> None:
    body = {"prompt": "a", "max_tokens": 60, "temperature": 0, "banned_patterns": [r"l[aeiou]mp"]}
    reply = await client.post(TEXT, body)
    assert "lamp" not in reply.json["choices"][0]["text"].lower()
    refused = await client.post(KOBOLD, body | {"banned_patterns": ["(a"]})
    assert refused.status == 400
    assert "parenthesis" in refused.body.decode()


async def test_kobold_has_both_too(client: Client) -> None:
    bound = await client.post(KOBOLD, {"prompt": "a", "grammar": 'root ::= "yes" | "no"'})
    assert bound.json["results"][0]["text"] in ("yes", "no")
    assert bound.json["results"][0]["finish_reason"] == "stop"
    wrong = await client.post(KOBOLD, {"prompt": "a", "grammar": "root ::= nope"})
    assert wrong.status == 400
    assert "nope" in json.dumps(wrong.json)
    free = await client.post(KOBOLD, {"prompt": "a", "banned_tokens": ["LAMP"]})
    assert "lamp" not in free.json["results"][0]["text"].lower()


async def test_requests_of_all_kinds_run_together(client: Client) -> None:
    bodies = [
        {"prompt": "a", "max_tokens": 30, "guided_regex": "[0-9]{3}"},
        {"prompt": "b", "max_tokens": 30},
        {"prompt": "c", "max_tokens": 30, "banned_strings": ["the"]},
        {"prompt": "d", "max_tokens": 30, "guided_regex": "("},
    ]
    replies = await asyncio.gather(*(client.post(TEXT, body) for body in bodies))
    texts = [reply.json["choices"][0]["text"] for reply in replies[:3]]
    assert texts[0].isdigit()
    assert len(texts[0]) == 3
    assert "the" in texts[1].lower()
    assert "the" not in texts[2].lower()
    assert replies[3].status == 400
