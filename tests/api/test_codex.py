"""A turn of a coding agent that speaks nothing but ``/v1/responses``, as such agents send it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from api.test_tools import HERMES
from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

SCRIPT = (
    "<think>I have to list files.</think>\n"
    '<tool_call>{"name": "shell", "arguments": {"command": ["ls"]}}</tool_call>\n'
    '<tool_call>{"name": "mcp__docs__search", "arguments": {"q": "x"}}</tool_call>'
)
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": "shell",
        "description": "Runs a command.",
        "strict": False,
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "array", "items": {"type": "string"}}},
            "required": ["command"],
            "additionalProperties": False,
        },
    },
    {
        "type": "namespace",
        "name": "mcp__docs",
        "description": "A server of documents.",
        "tools": [{"type": "function", "name": "search", "parameters": {"type": "object"}}],
    },
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Changes files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
    },
    {"type": "web_search", "external_web_access": False},
    {"type": "local_shell"},
    {"type": "tool_search"},
]
TURN: dict[str, Any] = {
    "model": "codex-mini",
    "instructions": "You are a coding agent.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "rules"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "list"}]},
    ],
    "tools": TOOLS,
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "ultra", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "0199-uuid",
    "client_metadata": {"x": "y"},
    "service_tier": None,
    "text": {"verbosity": "medium"},
}  # fmt: skip


@pytest.fixture
async def serving() -> AsyncIterator[Callable[[str], Client]]:
    """Makes clients of servers whose model answers with a script."""
    engines: list[LocalEngine] = []

    def client_of(script: str) -> Client:
        engines.append(LocalEngine(lambda: FakeRunner(script=script, chat_template=HERMES)))
        return Client(create_app(engines[-1]))

    yield client_of
    for engine in engines:
        await engine.close()


@pytest.fixture
def agent(serving: Callable[[str], Client]) -> Client:
    return serving(SCRIPT)


async def turn(client: Client, **changes: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The items that the agent takes, which are those of ``output_item.done``, and the last event."""
    reply = await client.post("/v1/responses", TURN | changes)
    assert reply.status == 200, reply.body
    lines = reply.body.decode().split("\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line[:6] == "data: "]
    items = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    return items, events[-1]


async def test_a_turn_and_the_next_one(agent: Client) -> None:
    items, last = await turn(agent)
    assert last["type"] == "response.completed"
    assert last["response"]["id"]
    usage = last["response"]["usage"]
    assert {"input_tokens", "output_tokens", "total_tokens"} <= set(usage)
    assert "cached_tokens" in usage["input_tokens_details"]
    assert "reasoning_tokens" in usage["output_tokens_details"]
    thought, shell, search = items
    assert thought["summary"] == [{"type": "summary_text", "text": "I have to list files."}]
    assert (shell["name"], json.loads(shell["arguments"])) == ("shell", {"command": ["ls"]})
    assert (search["namespace"], search["name"]) == ("mcp__docs", "search")
    results = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "done"}
        for call in (shell, search)
    ]
    replayed = {key: value for key, value in thought.items() if key not in ("id", "content")}
    again, last = await turn(agent, input=[*TURN["input"], replayed, shell, search, *results])
    assert [item["type"] for item in again] == [item["type"] for item in items]
    assert last["response"]["usage"]["input_tokens"] > usage["input_tokens"]


async def test_one_call_where_the_agent_takes_one(agent: Client) -> None:
    items, _ = await turn(agent, parallel_tool_calls=False)
    assert [item["type"] for item in items] == ["reasoning", "function_call"]


async def test_a_conversation_that_is_too_long_is_recognised(agent: Client) -> None:
    long = [{"type": "message", "role": "user", "content": "a" * 6000}]
    reply = await agent.post("/v1/responses", TURN | {"input": long})
    assert reply.status == 400
    assert reply.json["error"]["code"] == "context_length_exceeded"


async def test_a_schema_for_the_last_message(agent: Client) -> None:
    form = {"type": "json_schema", "name": "codex_output_schema", "schema": {"type": "boolean"}}
    items, _ = await turn(agent, tools=[], text={"verbosity": "low", "format": form})
    (message,) = items
    assert json.loads(message["content"][0]["text"]) in (True, False)


async def test_an_answer_in_words_ends_under_a_schema(
    serving: Callable[[str], Client],
) -> None:
    names = {"type": "array", "items": {"type": "string"}}
    fields = {"answer": {"type": "string"}, "files": names, "count": {"type": "integer"}}
    schema = {"type": "object", "properties": fields, "required": [*fields]}
    form = {"type": "json_schema", "name": "codex_output_schema", "schema": schema}
    client = serving("There are four files: one has the settings, and three have tests. " * 5)
    (message,), last = await turn(client, tools=[], text={"verbosity": "low", "format": form})
    assert last["type"] == "response.completed"
    answer = json.loads(message["content"][0]["text"])
    assert "three have tests." in answer["answer"]
    assert answer.keys() == fields.keys()


async def test_every_kind_of_item_is_sent_back(agent: Client) -> None:
    """A long session's history: patches, shells, searches, late tools, summaries, and thinking as a blob alone."""
    call = {"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}'}
    search = {**call, "namespace": "mcp__docs", "name": "search", "arguments": "{"}
    patch = {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin Patch"}
    output = [{"type": "input_text", "text": "a.py"}, {"type": "output_text", "text": "b.py"}]
    shell = {"type": "exec", "command": ["ls"], "timeout_ms": None, "env": {}}
    late = [{"type": "function", "name": "late", "parameters": {"type": "object"}}]
    history: list[dict[str, Any]] = [
        {"type": "reasoning", "summary": [], "encrypted_content": "I look."},
        {**call, "call_id": "call_1", "status": "completed"},
        {**search, "call_id": "call_2"},
        {"type": "function_call_output", "call_id": "call_1", "output": output},
        {"type": "function_call_output", "call_id": "call_2", "output": "no"},
        {**patch, "call_id": "call_3", "status": "completed"},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "Done."},
        {"type": "local_shell_call", "call_id": "call_4", "status": "completed", "action": shell},
        {"type": "local_shell_call_output", "call_id": "call_4", "output": "a.py"},
        {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "tool_search_output", "call_id": "call_5", "status": "completed", "tools": late},
        {"type": "message", "role": "assistant", "phase": "commentary",
         "content": [{"type": "output_text", "text": "I saw it."}]},
        {"type": "compaction", "encrypted_content": "gone"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go on"}]},
    ]  # fmt: skip
    items, last = await turn(agent, input=[*TURN["input"], *history])
    assert last["type"] == "response.completed"
    assert [item["type"] for item in items] == ["reasoning", "function_call", "function_call"]


@pytest.mark.parametrize("choice", ["auto", None, "required"])
async def test_optional_fields_may_be_null(agent: Client, choice: str | None) -> None:
    items, last = await turn(
        agent,
        reasoning=None,
        text=None,
        include=None,
        tool_choice=choice,
        previous_response_id=None,
    )
    assert last["type"] == "response.completed"
    assert items
