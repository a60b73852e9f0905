"""Whatever JSON a client sends, it gets text or is told its mistake; nothing crashes."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.kobold.wire import DetokenizeInput, GenerateInput, KeyInput, TokenCountInput
from coblyn.api.openai.wire import ChatInput, CompletionInput
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
