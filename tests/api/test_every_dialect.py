"""What holds in every dialect: failures, names of answers, signs of life."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.errors import EngineRestarted
from factories import SteppedEngine

MESSAGES = [{"role": "user", "content": "a"}]
ROUTES: dict[str, dict[str, Any]] = {
    "/v1/completions": {"prompt": "a"},
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/responses": {"model": "fake", "input": "a"},
    "/v1/messages": {"model": "fake", "messages": MESSAGES, "max_tokens": 3},
    "/api/generate": {"model": "fake", "prompt": "a"},
    "/api/chat": {"model": "fake", "messages": MESSAGES},
    "/api/v1/generate": {"prompt": "a"},
    "/api/extra/generate/stream": {"prompt": "a"},
    "/completion": {"prompt": "a"},
}
"""The routes that generate, each with the least that it takes."""

STREAMS = [path for path in ROUTES if path != "/api/v1/generate"]
SSE = [path for path in STREAMS if path not in ("/api/generate", "/api/chat")]


def parts_of(body: bytes) -> list[Any]:
    """The JSON of a stream's parts, of server-sent events or lines."""
    lines = [line.removeprefix("data: ") for line in body.decode().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/api/extra/generate/stream"])
async def test_a_failure_before_the_first_token_is_an_http_error(
    path: str, client: Client, engine: SteppedEngine
) -> None:
    engine.fail_after = (0, EngineRestarted("The engine died."))
    reply = await client.post(path, ROUTES[path] | {"stream": False})
    assert reply.status == 503
    assert "The engine died." in reply.body.decode()


@pytest.mark.parametrize("path", STREAMS)
async def test_a_failure_before_the_first_token_is_the_last_part_of_a_stream(
    path: str, client: Client, engine: SteppedEngine
) -> None:
    engine.fail_after = (0, EngineRestarted("The engine died."))
    reply = await client.post(path, ROUTES[path] | {"stream": True})
    last = parts_of(reply.body)[-1]
    assert b"[DONE]" not in reply.body
    assert "The engine died." in json.dumps(last)
    assert "error" in last or last["type"] == "response.failed"


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("/v1/completions", "created"),
        ("/v1/chat/completions", "created"),
        ("/v1/responses", "created_at"),
        ("/v1/messages", None),
    ],
)
async def test_an_answer_has_one_name_of_its_own(
    path: str, made: str | None, client: Client
) -> None:
    names = set()
    for _ in range(3):
        reply = await client.post(path, ROUTES[path] | {"stream": True})
        heads = [head_of(part) for part in parts_of(reply.body)]
        named = [head for head in heads if "id" in head]
        assert len({head["id"] for head in named}) == 1
        assert made is None or len({head[made] for head in named}) == 1
        names.add(named[0]["id"])
    assert len(names) == 3


def head_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a part of a stream has the name of its answer."""
    return part.get("response") or part.get("message") or part


@pytest.mark.parametrize("path", SSE)
async def test_a_prompt_that_is_long_to_read_lets_no_line_fall_silent(
    path: str, stepped: SteppedEngine
) -> None:
    client = Client(create_app(stepped, ApiOptions(keep_alive=0.02)))
    async with client.open("POST", path, ROUTES[path] | {"stream": True}) as exchange:
        parts = [await exchange.next() for _ in range(4)]
        signs = [part for part in parts if part.startswith(b": ") or b'"ping"' in part]
        assert len(signs) >= 2
        stepped.allow()
        await exchange.all()
