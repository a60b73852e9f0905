"""Conversations that clients have damaged go on in every dialect, with each message in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.test_tools import HERMES
from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

STRICT = (
    "{% for m in messages %}"
    "{% if m.role == 'user' and not loop.first and messages[loop.index0 - 1].role == 'user' %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'system' and not loop.first %}{{ raise_exception('system first') }}{% endif %}"
    "[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)
"""Refuses two users in a row, and a system message that is not the first."""


def says(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def call(arguments: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}


RESULT = says("tool", "r", tool_call_id="c1")
USE = {"type": "tool_use", "id": "c1", "name": "f"}
CHATS = [
    [says("user", "a"), says("assistant", None, tool_calls=[call('{"a": ')]), RESULT],
    [says("user", "a"), says("assistant", None, tool_calls=[call({"a": 1})]), RESULT],
    [says("user", "a"), says("assistant", "", tool_calls=[call("{}"), call("{}")]), RESULT, RESULT],
    [says("user", "a"), says("assistant", None, tool_calls=[call("{}")]), says("user", "b")],
    [says("user", "a"), RESULT],
    [RESULT],
    [says("user", "a"), says("user", "b")],
    [says("user", None), says("assistant", None), says("user", "c")],
    [says("user", "a"), says("assistant", "b"), says("system", "s"), says("user", "c")],
    [says("user", "a"), says("assistant", "b"), says("assistant", "c"), says("user", "d")],
]
MESSAGES = [
    [says("user", [{"type": "tool_result", "tool_use_id": "c1", "content": "r"}])],
    [says("user", "a"), says("assistant", [{**USE, "input": {}}]), says("user", "c")],
    [
        says("user", "a"),
        says("assistant", [{**USE, "input": '{"a": '}]),
        says("user", [{"type": "tool_result", "tool_use_id": "c1"}]),
    ],
    [says("user", "a"), says("user", "b")],
    [says("user", "a"), says("system", "s"), says("user", "b")],
]
ITEMS = [
    [
        says("user", "a"),
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": '},
        {"type": "function_call_output", "call_id": "c1", "output": "r"},
    ],
    [{"type": "function_call_output", "call_id": "c1", "output": "r"}],
    [says("user", None)],
    [says("user", "a"), says("system", "s"), says("user", "b")],
]


@pytest.fixture(params=[HERMES, STRICT], ids=["lenient", "strict"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    engine = LocalEngine(
        lambda: FakeRunner(chat_template=request.param, script="Yes.", repeats=False)
    )
    app = create_app(engine)
    async with app.router.lifespan_context(app):
        yield Client(app)
    await engine.close()


async def test_a_damaged_history_is_answered(client: Client) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        *(("/v1/chat/completions", {"messages": each}) for each in CHATS),
        *(("/api/chat", {"model": "fake", "messages": each, "stream": False}) for each in CHATS),
        *(("/v1/messages", {"model": "fake", "max_tokens": 9, "messages": m}) for m in MESSAGES),
        *(("/v1/responses", {"input": each}) for each in ITEMS),
    ]
    for path, body in bodies:
        reply = await client.post(path, body)
        assert reply.status == 200, (path, body, reply.json)
        assert b"Yes." in reply.body, (path, body)


async def test_messages_stay_in_their_places(client: Client) -> None:
    talk = [says("user", "one"), says("system", "two"), says("user", "three")]
    shown = (await client.post("/apply-template", {"messages": talk})).json["prompt"]
    assert shown.index("one") < shown.index("two") < shown.index("three")
