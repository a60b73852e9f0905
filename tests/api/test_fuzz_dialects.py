"""Whatever JSON clients of Anthropic's and Ollama's send, they get text or are told their mistake."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from api.test_fuzz import ANYTHING
from asgi import Client
from coblyn.api.anthropic.wire import CountInput, MessagesInput
from coblyn.api.app import create_app
from coblyn.api.ollama.embeddings import EmbedInput, OldInput
from coblyn.api.ollama.listing import NamedInput
from coblyn.api.ollama.managing import CopyInput, CreateInput
from coblyn.api.ollama.options import OLLAMA_NUMBERS
from coblyn.api.ollama.wire import TalkInput, WriteInput
from factories import SteppedEngine

EXAMPLES = int(os.environ.get("COBLYN_FUZZ_EXAMPLES", "60"))


def objects(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these fields, each sound or not."""
    optional = {name: value | ANYTHING for name, value in values.items()}
    return st.fixed_dictionaries({}, optional=optional)


TEXT = st.sampled_from(["", "a", "\ud800", "x" * 50])
SCHEMA = st.sampled_from([{"type": "object"}, {}, {"type": "object", "properties": {"a": {}}}])
BLOCK = objects(
    type=st.sampled_from(
        ["text", "image", "document", "tool_use", "tool_result", "thinking", "search_result", "x"]
    ),
    text=TEXT,
    content=TEXT | st.just([{"type": "text", "text": "a"}]),
    source=objects(type=st.sampled_from(["text", "content", "base64"]), data=TEXT, content=TEXT),
    id=TEXT,
    tool_use_id=TEXT,
    name=TEXT,
    input=st.just({"a": 1}),
    thinking=TEXT,
    is_error=st.booleans(),
)
CALL = objects(id=TEXT, function=objects(name=TEXT, arguments=st.just({"a": 1}) | TEXT))
MESSAGE = objects(
    role=st.sampled_from(["user", "assistant", "system", "tool", "USER"]),
    content=TEXT | st.lists(BLOCK, max_size=3),
    tool_calls=st.lists(CALL, max_size=2),
    tool_name=TEXT,
    thinking=TEXT,
    images=st.just([]),
)
TOOL = objects(
    name=TEXT,
    type=st.sampled_from(["function", "custom", "bash_20250124", "web_search_20250305"]),
    input_schema=SCHEMA,
    function=objects(name=TEXT, parameters=SCHEMA),
)
_NAMES = {name for names in OLLAMA_NUMBERS.names.values() for name in names}
OPTION = st.sampled_from(
    [*sorted(_NAMES), "seed", "stop", "num_predict", "num_ctx", "num_gpu", "nothing"]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "messages": st.lists(MESSAGE, max_size=3),
    "tools": st.lists(TOOL, max_size=2),
    "system": TEXT | st.lists(BLOCK, max_size=2),
    "options": st.dictionaries(OPTION, ANYTHING | st.sampled_from([0, 1, -1, 0.5]), max_size=3),
    "parameters": st.dictionaries(OPTION, ANYTHING | st.sampled_from([0, 1, -1]), max_size=3),
    "tool_choice": objects(type=st.sampled_from(["auto", "any", "tool", "none"]), name=TEXT),
    "thinking": objects(
        type=st.sampled_from(["enabled", "disabled", "adaptive"]), budget_tokens=st.just(5)
    ),
    "output_config": objects(effort=st.just("low"), format=objects(type=TEXT, schema=SCHEMA)),
    "format": SCHEMA | st.just("json"),
    "modelfile": st.sampled_from(["FROM fake", 'FROM x\nSYSTEM """', "FLY", "PARAMETER top_k x"]),
    "model": TEXT | st.sampled_from(["fake", "../x", "a:b", "fake:latest"]),
}
TALK = {"messages": [{"role": "user", "content": "a"}]}
BODIES = [
    ("/v1/messages", MessagesInput, {**TALK, "max_tokens": 3}),
    ("/v1/messages/count_tokens", CountInput, TALK),
    ("/api/generate", WriteInput, {"model": "fake", "prompt": "a"}),
    ("/api/chat", TalkInput, {"model": "fake", **TALK}),
    ("/api/embed", EmbedInput, {"model": "fake"}),
    ("/api/embeddings", OldInput, {"model": "fake"}),
    ("/api/show", NamedInput, {"model": "fake"}),
    ("/api/create", CreateInput, {"model": "mine", "from": "fake"}),
    ("/api/copy", CopyInput, {"source": "fake", "destination": "other"}),
]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    path, model, base = draw(st.sampled_from(BODIES))
    fields = sorted(
        {*model.model_fields} - {"context"}
    )  # any id is taken by the engine of the test
    names = draw(st.lists(st.sampled_from(fields), max_size=4))
    return path, base | {name: draw(FIELDS.get(name, TEXT) | ANYTHING) for name in names}


@settings(max_examples=EXAMPLES, deadline=None)
@given(requests())
def test_any_value_in_any_field(request: tuple[str, dict[str, Any]]) -> None:
    async def send() -> None:
        engine = SteppedEngine()
        engine.allow(10_000)
        reply = await Client(create_app(engine)).post(*request)
        assert reply.status in (200, 400, 404)
        assert b'"Coblyn failed' not in reply.body
        assert engine.num_open == 0

    asyncio.run(send())
