"""Faults that users of other servers have reported about schemas of tools and stop strings, in every dialect."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from api.test_reported import TOOL, tools_of
from dialects import DIALECTS, TALKING, Answer, Dialect, Served, parts_of, served

BOTH = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
TALKS = pytest.mark.parametrize("dialect", TALKING, ids=lambda each: each.path)
LENGTH = 400
THINKING = "{% for m in messages %}{{ m.content }}{% endfor %}{# <think> #}"
THINKS: dict[str, Any] = {
    "/v1/messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
    "/api/chat": {"think": True},
}
"""How a dialect asks for reasoning."""


def strict_tools(dialect: Dialect, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A tool without a schema of note, and a strict one with an argument of this schema."""
    definitions = schema.get("$defs", {})
    parameters = {
        "type": "object",
        "properties": {"code": {key: schema[key] for key in schema if key != "$defs"}},
        "required": ["code"],
        "additionalProperties": False,
        **({"$defs": definitions} if definitions else {}),
    }
    strict = {"name": "mend", "description": "Mends.", "parameters": parameters, "strict": True}
    tools = tools_of(dialect, TOOL, strict)
    return [tools[0], tools[1] | {"strict": True}]


async def asked(
    server: Served, dialect: Dialect, schema: dict[str, Any], *, streams: bool
) -> Answer:
    more = {"tools": strict_tools(dialect, schema)}
    return await server.ask(dialect, length=LENGTH, streams=streams, more=more)


def called(argument: str) -> str:
    return f'<tool_call>{{"name": "mend", "arguments": {{"code": {argument}}}}}</tool_call>'


NODE = {
    "type": "object",
    "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    "required": ["kids"],
    "additionalProperties": False,
}
ENFORCED: list[tuple[dict[str, Any], str, Any, str, Callable[[Any], bool]]] = [
    (
        {"type": "string", "pattern": "^\\d{4}$"},
        '"2024"',
        "2024",
        '"none"',
        lambda code: re.fullmatch(r"\d{4}", code) is not None,
    ),
    (
        {"type": "string", "pattern": "\\d{4}", "maxLength": 12},
        '"in 2024."',
        "in 2024.",
        '"none"',
        lambda code: re.search(r"\d{4}", code) is not None,
    ),
    (
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        '{"kids": [{"kids": []}]}',
        {"kids": [{"kids": []}]},
        '"none"',
        lambda code: isinstance(code, dict),
    ),
    (
        {"type": "integer", "unknownKeyword": 1},
        "7",
        7,
        '"seven"',
        lambda code: isinstance(code, int),
    ),
]


@TALKS
@BOTH
@pytest.mark.parametrize(
    ("schema", "argument", "value", "wrong", "fits"),
    ENFORCED,
    ids=["anchored", "open", "recursive", "unknown"],
)
async def test_strict_arguments_fit_their_schema(
    dialect: Dialect,
    streams: bool,
    schema: dict[str, Any],
    argument: str,
    value: Any,
    wrong: str,
    fits: Callable[[Any], bool],
) -> None:
    async with served(called(argument)) as server:
        answer = await asked(server, dialect, schema, streams=streams)
        assert (answer.calls, answer.end) == ((("mend", {"code": value}),), "tool_calls")
    async with served(called(wrong)) as server:  # what it wants to write does not fit
        body = dialect.asks("a", LENGTH, []) | {"tools": strict_tools(dialect, schema)}
        reply = await server.client.post(dialect.path, body | {"stream": streams, "model": "fake"})
        _, end, calls, _ = dialect.tell(parts_of(reply))
        for _, arguments in calls:
            try:
                written = json.loads(arguments)
            except ValueError:  # the scripted model does not find an end
                assert end == "length"
            else:
                assert not written or fits(written["code"])


@TALKS
@BOTH
@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "string", "pattern": "(?<=x)y"}, "pattern"),
        ({"type": "string", "pattern": "(a)\\1"}, "pattern"),
        ({"type": "string", "pattern": "["}, "pattern"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "array", "contains": {"type": "integer"}}, "contains"),
        ({"type": "array", "items": {"$ref": "#/$defs/nowhere"}}, "$ref"),
    ],
)
async def test_a_strict_schema_that_cannot_be_enforced_is_refused_by_tool_place_and_keyword(
    dialect: Dialect, streams: bool, schema: dict[str, Any], keyword: str
) -> None:
    async with served(called('"x"')) as server:
        body = dialect.asks("a", 60, []) | {"tools": strict_tools(dialect, schema)}
        reply = await server.client.post(dialect.path, body | {"stream": streams, "model": "fake"})
    assert reply.status == 400
    said = reply.body.decode()
    for each in ("mend", "properties/code", keyword):
        assert each in said


def reasoning_of(dialect: Dialect, parts: list[Any]) -> str:
    """The reasoning that a whole answer or a stream has told."""
    match dialect.path:
        case "/v1/chat/completions":
            choices = [choice for part in parts for choice in part["choices"]]
            said = [choice.get("message") or choice["delta"] for choice in choices]
            return "".join(each.get("reasoning_content") or "" for each in said)
        case "/v1/responses":
            items = (parts[-1].get("response") or parts[-1])["output"]
            texts = [each.get("content") or [] for each in items if each["type"] == "reasoning"]
            return "".join(each["text"] for several in texts for each in several)
        case "/v1/messages":
            blocks = parts[0].get("content") or [
                part["delta"] for part in parts if part["type"] == "content_block_delta"
            ]
            return "".join(each.get("thinking", "") for each in blocks)
    return "".join(part["message"].get("thinking") or "" for part in parts)


@TALKS
@BOTH
@pytest.mark.parametrize(
    ("script", "stop", "reasoning", "text"),
    [
        ("<think>Why?</think>Well?", "?\n", "Why?", "Well?"),
        ("<think>Hm, Ali</think>Hm, Alice", "Alice:", "Hm, Ali", "Hm, Alice"),
        ("<think>Hm</think>Well STOP no", "STOP", "Hm", "Well"),
        ("<think>Hm STOP no</think>Well", "STOP", "Hm", ""),
        ("<think>Hm</thi", "</think>!", "Hm</thi", ""),
    ],
)
async def test_stop_strings_beside_and_in_reasoning(
    dialect: Dialect, streams: bool, script: str, stop: str, reasoning: str, text: str
) -> None:
    async with served(script, THINKING) as server:
        more = THINKS.get(dialect.path)
        answer = await server.ask(dialect, stop=[stop], streams=streams, more=more)
        assert reasoning_of(dialect, answer.parts) == reasoning
        assert (answer.text.rstrip(), answer.end) == (text, "stop")


FORM = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
OPENAI_FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": FORM}}
FORMS: dict[str, Any] = {
    "/v1/completions": {"response_format": OPENAI_FORM},
    "/v1/chat/completions": {"response_format": OPENAI_FORM},
    "/v1/responses": {"text": {"format": {"type": "json_schema", "name": "x", "schema": FORM}}},
    "/v1/messages": {"output_config": {"format": {"type": "json_schema", "schema": FORM}}},
    "/api/generate": {"format": FORM},
    "/api/chat": {"format": FORM},
    "/api/v1/generate": {"grammar": json.dumps(FORM)},
    "/completion": {"json_schema": FORM},
}
"""How a dialect asks for JSON."""


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.path)
@BOTH
async def test_stop_strings_within_json(dialect: Dialect, streams: bool) -> None:
    text = '{"a": "Why? Well?"}'
    async with served(text) as server:
        for stop, told in ((['?"]', "?\n"], text), (["? W"], '{"a": "Why'), (["}!"], text)):
            more = FORMS[dialect.path]
            answer = await server.ask(dialect, stop=stop, streams=streams, more=more)
            assert (answer.text, answer.end) == (told, "stop")


UNENFORCEABLE = {"type": "array", "uniqueItems": True}
NAMED: list[tuple[str, dict[str, Any], str]] = [
    (
        "/v1/chat/completions",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": UNENFORCEABLE},
            }
        },
        "response_format",
    ),
    (
        "/v1/responses",
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": UNENFORCEABLE}}},
        "text.format",
    ),
    (
        "/v1/responses",
        {"response_format": {"type": "json_schema", "json_schema": {"schema": UNENFORCEABLE}}},
        "response_format",
    ),
    ("/v1/completions", {"json_schema": UNENFORCEABLE}, "json_schema"),
    ("/v1/completions", {"guided_regex": "("}, "guided_regex"),
    ("/v1/completions", {"grammar": "root ::= ("}, "grammar"),
    ("/v1/completions", {"structured_outputs": {"regex": "("}}, "structured_outputs"),
    ("/completion", {"grammar": "root ::= ("}, "grammar"),
]


@pytest.mark.parametrize(("path", "form", "field"), NAMED, ids=[f"{p}-{f}" for p, _, f in NAMED])
@BOTH
async def test_a_form_that_cannot_be_enforced_is_refused_by_the_callers_name_for_it(
    path: str, form: dict[str, Any], field: str, streams: bool
) -> None:
    dialect = next(each for each in DIALECTS if each.path == path)
    async with served() as server:
        body = dialect.asks("a", 20, []) | form | {"stream": streams, "model": "fake"}
        reply = await server.client.post(path, body)
    assert reply.status == 400
    assert reply.json["error"]["param"] == field
