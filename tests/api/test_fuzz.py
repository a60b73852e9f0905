"""Whatever JSON a client sends, it gets text or is told its mistake; nothing crashes."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.kobold.wire import DetokenizeInput, GenerateInput, KeyInput, TokenCountInput
from coblyn.api.llama.wire import (
    InfillInput,
    LlamaCompletionInput,
    LlamaDetokenizeInput,
    LlamaTokenizeInput,
)
from coblyn.api.openai.responses.wire import ResponseInput
from coblyn.api.openai.texts import CompletionInput
from coblyn.api.openai.wire import ChatInput
from coblyn.engine.interface import EngineStatus
from factories import SteppedEngine

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**400, -(10**400), "\ud800", "1", "true", "-1e999", 2**63]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.lists(
    st.fixed_dictionaries({}, optional={"role": st.just("user") | ANYTHING, "content": ANYTHING}),
    max_size=2,
)
BODIES = [
    ("/api/v1/generate", GenerateInput, {"prompt": "a"}),
    ("/api/extra/generate/stream", GenerateInput, {"prompt": "a"}),
    ("/api/extra/generate/check", KeyInput, {}),
    ("/api/extra/abort", KeyInput, {}),
    ("/api/extra/last_logprobs", KeyInput, {}),
    ("/api/extra/tokencount", TokenCountInput, {}),
    ("/api/extra/detokenize", DetokenizeInput, {}),
    ("/v1/completions", CompletionInput, {"prompt": "a"}),
    ("/v1/chat/completions", ChatInput, {"messages": [{"role": "user", "content": "a"}]}),
    ("/v1/responses", ResponseInput, {"input": "a"}),
    ("/completion", LlamaCompletionInput, {"prompt": "a"}),
    ("/infill", InfillInput, {"input_prefix": "a", "input_suffix": "b"}),
    ("/tokenize", LlamaTokenizeInput, {"content": "a"}),
    ("/detokenize", LlamaDetokenizeInput, {"tokens": [1]}),
]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    path, model, base = draw(st.sampled_from(BODIES))
    names = draw(st.lists(st.sampled_from(sorted(model.model_fields)), max_size=4))
    values = {name: draw(MESSAGES if name == "messages" else ANYTHING) for name in names}
    return path, base | values


@settings(max_examples=60, deadline=None)
@given(requests())
def test_any_value_in_any_field(request: tuple[str, dict[str, Any]]) -> None:
    async def send() -> None:
        engine = SteppedEngine()
        engine.allow(10_000)
        reply = await Client(create_app(engine)).post(*request)
        assert reply.status in (200, 400)
        assert reply.body
        assert engine.num_open == 0

    asyncio.run(send())


def takes_integers(annotation: object) -> bool:
    return annotation is int or any(map(takes_integers, get_args(annotation)))


INTEGERS = [
    (path, base, name)
    for path, model, base in BODIES
    for name, field in model.model_fields.items()
    if takes_integers(field.annotation) and name != "sampler_order"
]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(INTEGERS),
    st.sampled_from([str(2**64), str(-(2**63) - 1), "1" + "0" * 30, "-" + "9" * 5000]),
)
def test_an_integer_beyond_64_bits_in_any_field(
    case: tuple[str, dict[str, Any], str], digits: str
) -> None:
    path, base, name = case
    value = f"[{digits}]" if name in ("ids", "prompt", "tokens") else digits
    parts = [f"{json.dumps(key)}: {json.dumps(other)}" for key, other in base.items()]
    body = "{" + ", ".join([*parts, f"{json.dumps(name)}: {value}"]) + "}"

    async def send() -> None:
        reply = await Client(create_app(SteppedEngine())).post(path, body.encode())
        assert reply.status == 400
        said = reply.json.get("error", reply.json.get("detail")).values()
        assert any(re.split(r"\W", str(value))[0] == name for value in said), "or a part of it"

    asyncio.run(send())


@pytest.mark.parametrize("key", ["2147483648", "9" * 5000, "-1", "1e3", "\u0661"])
def test_a_bias_of_what_is_no_token_id(key: str) -> None:
    async def send() -> None:
        client = Client(create_app(SteppedEngine()))
        reply = await client.post("/v1/completions", {"prompt": "a", "logit_bias": {key: 1}})
        assert (reply.status, reply.json["error"]["param"]) == (400, "logit_bias")

    asyncio.run(send())


@pytest.mark.parametrize("field", ["top_k", "rep_pen_range"])
def test_an_integer_that_does_not_fit_into_32_bits_is_not_wrapped(field: str) -> None:
    async def send() -> None:
        client = Client(create_app(SteppedEngine()))
        reply = await client.post("/v1/completions", {"prompt": "a", field: 2**32 + 1})
        assert reply.status == 400

    asyncio.run(send())


@pytest.mark.parametrize("depth", [480, 200, 101])
@pytest.mark.parametrize("text", ["\\ud800", "a"])
def test_what_is_nested_too_deep(depth: int, text: str) -> None:
    async def send() -> None:
        client = Client(create_app(SteppedEngine()))
        for path, _, _ in BODIES:
            body = '{"prompt": ' + "[" * depth + f'"{text}"' + "]" * depth + "}"
            reply = await client.post(path, body.encode())
            assert reply.status == 400
            assert b"nested" in reply.body

    asyncio.run(send())


def test_an_error_of_our_own_says_that_it_closes_the_connection() -> None:
    class Broken(SteppedEngine):
        def status(self) -> EngineStatus:
            raise ZeroDivisionError

    async def send() -> None:
        exchange = Client(create_app(Broken())).open("GET", "/health")
        async with exchange:
            await exchange.next()
            assert exchange.status == 500
            assert exchange.answer_headers["connection"] == "close"

    with pytest.raises(ZeroDivisionError):
        asyncio.run(send())
