"""Faults that users of other servers have reported about samplers, choices, schemas and lengths, in every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from asgi import Client
from dialects import DIALECTS, TALKING, Dialect, served
from factories import SteppedEngine

EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.path)
TALKS = pytest.mark.parametrize("dialect", TALKING, ids=lambda each: each.path)
BOTH = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
TEXT, CHAT = DIALECTS[:2]
OF_OPENAI = pytest.mark.parametrize("dialect", [TEXT, CHAT], ids=lambda each: each.path)


@OF_OPENAI
@BOTH
async def test_three_choices_have_their_index_and_all_are_counted(
    dialect: Dialect, streams: bool
) -> None:
    async with served("Well then.") as server:
        answer = await server.ask(dialect, streams=streams, more={"n": 3})
        choices = [choice for part in answer.parts for choice in part["choices"]]
        texts = dict.fromkeys(range(3), "")
        for choice in choices:
            said = choice.get("message") or choice.get("delta") or {"content": choice.get("text")}
            texts[choice["index"]] += said.get("content") or ""
        assert texts == dict.fromkeys(range(3), "Well then.")
        assert [each["finish_reason"] for each in choices if each["finish_reason"]] == ["stop"] * 3
        assert answer.counts
        assert answer.counts[2] == 3 * (len("Well then.") + 1)


@OF_OPENAI
@BOTH
@pytest.mark.parametrize("number", [0, -1, 100, "x", 1.5])
async def test_no_number_of_choices_becomes_one_in_silence(
    dialect: Dialect, streams: bool, number: Any
) -> None:
    async with served("Well then.", max_sequences=16) as server:
        body = dialect.asks("a", 5, []) | {"n": number, "stream": streams}
        reply = await server.client.post(dialect.path, body)
        assert reply.status == 400
        assert "n" in reply.json["error"]["param"]


BIASES = {
    TEXT.path: 400,
    CHAT.path: 400,
    "/completion": 400,
    "/api/v1/generate": 200,  # as KoboldCPP: a warning
}


@pytest.mark.parametrize("path", BIASES)
@pytest.mark.parametrize(
    ("bias", "text"),
    [
        ({str(ord("b")): -100}, "aacaa"),
        ({}, "abcab"),
        (None, "abcab"),
        ({"999999": 1}, None),
        ({"-1": 1}, None),
        ({"xy": None}, None),
        ({"98": None}, None),
    ],
)
async def test_biases_are_obeyed_or_named(path: str, bias: Any, text: str | None) -> None:
    dialect = next(each for each in DIALECTS if each.path == path)
    async with served("abc", repeats=True) as server:
        body = dialect.asks("zzz", 5, []) | {"logit_bias": bias}
        reply = await server.client.post(path, {"model": "fake"} | body)
    if text is None:
        assert reply.status in (BIASES[path], 400)
        assert "logit_bias" in reply.body.decode()
    else:
        assert reply.status == 200


SEEDED = [each for each in DIALECTS if not each.stream_path]  # KoboldCPP's 0 is a fresh one


@pytest.mark.parametrize("dialect", SEEDED, ids=lambda each: each.path)
async def test_a_seed_of_nothing_is_a_seed_and_is_told(dialect: Dialect) -> None:
    more: dict[str, Any] = {"seed": 0}
    if dialect.path.startswith("/api/"):
        more = {"options": {"seed": 0, "num_predict": 20}}
    async with served("Well then.") as server:
        for _ in range(3):
            answer = await server.ask(dialect, streams=True, more=more)
            assert answer.reply.headers["x-coblyn-seed"] == "0"
            assert answer.text == "Well then."


SCHEMAS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "string", "pattern": "^\\d{4}$"}, '"1234"', "pattern"),
    ({"type": "string", "pattern": "\\d{4}"}, '"no 1234"', "pattern"),
    (
        {
            "$ref": "#/$defs/node",
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {"c": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
                    "required": ["c"],
                    "additionalProperties": False,
                }
            },
        },
        '{"c": [{"c": []}]}',
        "$ref",
    ),
    ({"type": "string", "format": "no-such"}, '"x"', "format"),
    ({"type": "string", "unknownKeyword": 1}, '"x"', "unknownKeyword"),
]


@BOTH
@pytest.mark.parametrize(("schema", "text", "keyword"), SCHEMAS, ids=[k for *_, k in SCHEMAS])
async def test_a_schema_is_enforced_or_its_keyword_is_named(
    streams: bool, schema: dict[str, Any], text: str, keyword: str
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    async with served(text) as server:
        body = CHAT.asks("a", 60, []) | {"response_format": form, "stream": streams}
        reply = await server.client.post(CHAT.path, body)
        if reply.status == 400:
            assert keyword in reply.body.decode()
            return
        answer = await server.ask(CHAT, length=60, streams=streams, more={"response_format": form})
        assert answer.text == text
    async with served("Free text.") as server:
        answer = await server.ask(CHAT, length=60, streams=streams, more={"response_format": form})
        assert not answer.text.startswith("Free"), "enforced"


@EACH
async def test_a_large_limit_shrinks_no_prompt_in_silence(dialect: Dialect) -> None:
    async with served("Well then.", context=256, num_cells=256) as server:
        answer = await server.ask(dialect, "z" * 200, 1_000_000)
        assert answer.text == "Well then."
        assert answer.counts
        if dialect.stream_path:  # KoboldCPP's rule: the prompt keeps a fifth
            assert answer.parts[0]["warnings"].keys() >= {"max_length", "prompt"}
        else:
            assert answer.counts[0] >= 200


@EACH
async def test_a_prompt_that_is_too_long_is_refused_or_cut_and_that_is_said(
    dialect: Dialect,
) -> None:
    async with served("Well then.", context=256, num_cells=256) as server:
        body = {"model": "fake", "stream": False} | dialect.asks("z" * 256, 16, [])
        reply = await server.client.post(dialect.path, body)
        if not dialect.stream_path:
            assert reply.status == 400
            assert "256" in reply.body.decode()
            return
        answer = await server.ask(dialect, "z" * 256, 16)
        assert answer.counts
        assert answer.counts[0] == 240, "no more is cut than the answer needs"
        assert "prompt" in reply.json["warnings"]


@EACH
async def test_two_prompts_in_turns_each_find_what_was_computed(dialect: Dialect) -> None:
    async with served("Well then.", shelf_tokens=4000, num_cells=300, context=300) as server:
        prompts = [letter * 180 for letter in "pq"]
        for words in prompts:
            await server.ask(dialect, words, 20)
        for words in prompts * 2:
            steps = len(server.runner.history)
            await server.ask(dialect, words, 20)
            rows = [row for plan in server.runner.history[steps:] for row in plan.rows]
            assert sum(len(row.tokens) for row in rows) < 20, "only the answer is computed"


@TALKS
async def test_samplers_hold_beside_tools(
    dialect: Dialect, client: Client, engine: SteppedEngine
) -> None:
    parameters = {"type": "object", "properties": {}}
    function = {"name": "look", "description": "", "parameters": parameters}
    tool = {
        "/v1/responses": {"type": "function", **function},
        "/v1/messages": {"name": "look", "input_schema": parameters},
    }.get(dialect.path, {"type": "function", "function": function})
    hot: dict[str, Any] = {"temperature": 0.125, "top_k": 7, "seed": 5}
    is_ollama = dialect.path == "/api/chat"
    for extra in ({}, {"tools": [tool]}):
        body = {"model": "fake"} | dialect.asks("a", 20, []) | extra
        body = body | {"options": hot} if is_ollama else body | hot
        assert (await client.post(dialect.path, body)).status == 200
    plain, with_tools = [request.sampling for request in engine.requests]
    assert plain == with_tools
    assert (plain.temperature, plain.top_k, plain.seed) == (0.125, 7, 5)
