"""What is not a token id is refused by its place in the body, in every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from factories import SteppedEngine

BEYOND = 2**70

BODIES: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/completions", {"prompt": [1, BEYOND]}, "prompt[1]"),
    ("/v1/completions", {"prompt": [[1, 2], [3, BEYOND]]}, "prompt[1][1]"),
    ("/v1/completions", {"prompt": [2**31]}, "prompt[0]"),
    ("/v1/completions", {"prompt": [-1]}, "prompt[0]"),
    ("/v1/completions", {"prompt": [True]}, "prompt[0]"),
    ("/v1/completions", {"prompt": "a", "stop_token_ids": [5, BEYOND]}, "stop_token_ids[1]"),
    ("/v1/embeddings", {"input": [BEYOND]}, "input[0]"),
    ("/v1/embeddings", {"input": ["a", [2**40]]}, "input[1][0]"),
    ("/completion", {"prompt": [BEYOND]}, "prompt[0]"),
    ("/completion", {"prompt": ["a", 2**31]}, "prompt[1]"),
    ("/tokenize", {"content": ["a", BEYOND]}, "content[1]"),
    ("/detokenize", {"tokens": [1, 2, 2**31]}, "tokens[2]"),
    ("/api/extra/detokenize", {"ids": [12, "x"]}, "ids[1]"),
    ("/api/extra/detokenize", {"ids": [2**31]}, "ids[0]"),
    ("/api/v1/generate", {"prompt": "a", "stop_token_ids": [BEYOND]}, "stop_token_ids[0]"),
    ("/api/generate", {"model": "fake", "prompt": "a", "context": [BEYOND]}, "context[0]"),
]


@pytest.mark.parametrize(("path", "body", "place"), BODIES)
async def test_what_is_not_a_token_id_is_named(
    engine: SteppedEngine, path: str, body: dict[str, Any], place: str
) -> None:
    reply = await Client(create_app(engine)).post(path, body)
    assert reply.status == 400
    assert place in reply.body.decode()
    assert "token ids are integers from 0 to 2147483647" in reply.body.decode()
    assert engine.requests == []


@pytest.mark.parametrize("prompt", [5, {"a": 1}, [1.5], [None], [["a"]]])
async def test_what_is_no_prompt_is_refused(engine: SteppedEngine, prompt: Any) -> None:
    reply = await Client(create_app(engine)).post("/v1/completions", {"prompt": prompt})
    assert reply.status == 400
    assert reply.json["error"]["param"].startswith("prompt")
