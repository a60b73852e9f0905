"""Faults that users of other servers have reported, each with its smallest input, in every dialect that it touches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from api.test_nothing_silent import MODELS
from dialects import DIALECTS, TALKING, Dialect, served

EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.path)
TALKS = pytest.mark.parametrize("dialect", TALKING, ids=lambda each: each.path)
BOTH = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
STOPPED = [each for each in DIALECTS if each.path != "/v1/responses"]  # OpenAI's has no stops
STOPS = pytest.mark.parametrize("dialect", STOPPED, ids=lambda each: each.path)


@STOPS
@BOTH
async def test_a_stop_string_is_a_stop_and_a_limit_a_length(
    dialect: Dialect, streams: bool
) -> None:
    async with served("one two three four five six") as server:
        stopped = await server.ask(dialect, stop=["three"], streams=streams)
        assert (stopped.text, stopped.end) == ("one two ", "stop")
        cut = await server.ask(dialect, length=16, streams=streams)
        assert (cut.text, cut.end) == ("one two three fo", "length")
        ended = await server.ask(dialect, streams=streams)
        assert (ended.text, ended.end) == ("one two three four five six", "stop")


@STOPS
@BOTH
@pytest.mark.parametrize(
    ("script", "stop", "text"),
    [
        (" Alice!", ["\n", "Alice:"], " Alice!"),
        (" Alice! Alice: no", ["\n", "Alice:"], " Alice! "),
        ("Why? Well?\nNo", ["?\n"], "Why? Well"),
        ("Why?", ["?\n"], "Why?"),
        ("aab", ["aaab"], "aab"),
        ("aaab", ["aab"], "a"),
    ],
)
async def test_the_beginning_of_a_stop_string_is_given_back(
    dialect: Dialect, streams: bool, script: str, stop: Sequence[str], text: str
) -> None:
    async with served(script) as server:
        answer = await server.ask(dialect, "Alice: Hi, Bob!\nBob: Hi,", stop=stop, streams=streams)
        assert (answer.text, answer.end) == (text, "stop")


@EACH
@pytest.mark.parametrize("script", ["リンゴ", "😀", "👨\u200d👩\u200d👧\u200d👦", "한국어", "é→ﬁ"])
async def test_characters_of_several_tokens_arrive_whole(dialect: Dialect, script: str) -> None:
    script = f"{script}, {script}. And so on and so on."
    async with served(script) as server:
        for length in (16, 17, 18, 19, len(script.encode()) + 1):
            whole = await server.ask(dialect, length=length)
            streamed = await server.ask(dialect, length=length, streams=True)
            assert whole.text == streamed.text
            assert script.startswith(whole.text.removesuffix("\ufffd"))
            assert whole.end == streamed.end
        assert whole.text == script


@STOPS
@BOTH
async def test_a_stop_string_follows_a_character_of_several_tokens(
    dialect: Dialect, streams: bool
) -> None:
    async with served("👨\u200d👩END and more") as server:
        answer = await server.ask(dialect, stop=["END"], streams=streams)
        assert (answer.text, answer.end) == ("👨\u200d👩", "stop")


@EACH
@BOTH
async def test_tokens_that_were_not_computed_again_are_counted_truly(
    dialect: Dialect, streams: bool
) -> None:
    async with served("Well then.") as server:
        words = "a b c " * 20
        first = await server.ask(dialect, words)
        assert first.counts
        num_prompt, cached, num_answer = first.counts
        assert num_answer == len("Well then.") + 1, "with the token that ends it"
        assert not cached
        steps = len(server.runner.history)
        more = await server.ask(dialect, words + "and then", streams=streams)
        if more.counts is None:
            return  # KoboldAI's stream tells no numbers
        assert more.counts[0] == num_prompt + len("and then")
        assert more.counts[2] == num_answer
        if more.counts[1] is not None:
            later = server.runner.history[steps:]
            computed = sum(len(row.tokens) for plan in later for row in plan.rows)
            assert more.counts[1] == num_prompt
            assert computed - (num_answer - 1) == more.counts[0] - more.counts[1]


TOOL: dict[str, Any] = {
    "name": "look",
    "description": "Looks.",
    "parameters": {
        "type": "object",
        "properties": {"code": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["code"],
    },
}


def tools_of(dialect: Dialect, *tools: dict[str, Any]) -> list[dict[str, Any]]:
    """Tools in a dialect's own form."""
    if dialect.path == "/v1/messages":
        return [
            {
                "name": each["name"],
                "description": each["description"],
                "input_schema": each["parameters"],
            }
            for each in tools
        ]
    if dialect.path == "/v1/responses":
        return [{"type": "function", **each} for each in tools]
    return [{"type": "function", "function": each} for each in tools]


def called(code: str, closing: str = "</tool_call>") -> str:
    call = json.dumps({"name": "look", "arguments": {"code": code}}, ensure_ascii=False)
    return f"<tool_call>{call}{closing}"


@TALKS
@BOTH
@pytest.mark.parametrize("with_tools", [False, True], ids=["", "tools"])
async def test_tools_change_no_count(dialect: Dialect, streams: bool, with_tools: bool) -> None:
    tools = tools_of(dialect, TOOL) if with_tools else []
    async with served("Well then.") as server:
        for _ in range(2):
            answer = await server.ask(dialect, streams=streams, more={"tools": tools})
            (request,) = {row.request_id for row in server.runner.history[-1].rows}
            assert answer.counts
            assert answer.counts[2] == len("Well then.") + 1
            assert request
        prompt = await server.client.post(
            "/apply-template",
            {"messages": [{"role": "user", "content": "a"}]}
            | {"tools": tools_of(DIALECTS[1], TOOL) if with_tools else []},
        )
        assert answer.counts[0] == len(prompt.json["prompt"].encode()) + 1
        assert answer.counts[1] in (None, answer.counts[0])
        assert (answer.text, answer.end, answer.calls) == ("Well then.", "stop", ())


@pytest.mark.parametrize("dialect", DIALECTS[:2], ids=lambda each: each.path)
@pytest.mark.parametrize("tools", [(), (TOOL,)], ids=["", "tools"])
async def test_usage_is_the_last_chunk_where_it_is_asked_for(
    dialect: Dialect, tools: Sequence[dict[str, Any]]
) -> None:
    more = {"tools": tools_of(dialect, *tools)} if tools and dialect.talks else {}
    async with served("Well then.") as server:
        asked = await server.ask(dialect, streams=True, more=more)
        *others, last = asked.parts
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] == len("Well then.") + 1
        assert all(len(each["choices"]) == 1 and each["usage"] is None for each in others)
        assert asked.reply.body.endswith(b"data: [DONE]\n\n")
        silent = await server.ask(dialect, streams=True, more={**more, "stream_options": None})
        assert all(len(each["choices"]) == 1 and "usage" not in each for each in silent.parts)


@TALKS
@BOTH
async def test_a_call_comes_whole_whatever_its_strings_hold(
    dialect: Dialect, streams: bool
) -> None:
    tools = tools_of(dialect, TOOL)
    for code in ("if (x) { y }", "}}]", 'a "b" \\ c', "</tool", "リンゴ\n", ""):
        for closing in ("</tool_call>", "", "\n</tool_call>\n"):
            async with served("One moment. " + called(code, closing)) as server:
                answer = await server.ask(dialect, streams=streams, more={"tools": tools})
            assert answer.calls == (("look", {"code": code}),), (code, closing)
            assert (answer.text.strip(), answer.end) == ("One moment.", "tool_calls")


@TALKS
@BOTH
async def test_half_a_call_is_cut_by_length_and_never_an_empty_answer(
    dialect: Dialect, streams: bool
) -> None:
    script = called("if (x) { y }")
    body = dialect.asks("a", 0, []) | {"model": "fake", "stream": streams}
    body |= {"tools": tools_of(dialect, TOOL)}
    async with served(script) as server:
        for length in range(16, len(script) - len("}</tool_call>") + 1, 7):
            reply = await server.client.post(dialect.path, body | dialect.asks("a", length, []))
            assert reply.status == 200
            shown = reply.body.decode()
            assert '"finish_reason":"tool_calls"' not in shown
            ends = ('"length"', '"max_tokens"', '"max_output_tokens"')
            assert any(end in shown for end in ends), length
            assert "look" in shown or "<tool_call>" in shown, length


@TALKS
@BOTH
async def test_nothing_of_a_closing_mark_that_is_cut_is_told(
    dialect: Dialect, streams: bool
) -> None:
    script, tools = called("if (x) { y }"), tools_of(dialect, TOOL)
    async with served(script) as server:
        for missing in range(1, len("</tool_call>") + 1):
            length = len(script) - missing
            answer = await server.ask(
                dialect, length=length, streams=streams, more={"tools": tools}
            )
            assert answer.calls == (("look", {"code": "if (x) { y }"}),)
            assert answer.text == ""


@TALKS
@BOTH
@pytest.mark.parametrize("script", ["<tool_call>", "<tool_call>{"])
async def test_what_is_no_call_is_told_as_it_was_written(
    dialect: Dialect, streams: bool, script: str
) -> None:
    async with served(script) as server:
        tools = {"tools": tools_of(dialect, TOOL)}
        answer = await server.ask(dialect, length=len(script), streams=streams, more=tools)
    assert answer.calls == ()
    assert answer.text.startswith(script)  # tokens that alone can follow come with its last one


async def test_the_stream_of_a_call_has_openais_order() -> None:
    async with served("One moment. " + called("x")) as server:
        answer = await server.ask(
            DIALECTS[1], streams=True, more={"tools": tools_of(DIALECTS[1], TOOL)}
        )
    *choices, usage = answer.parts
    deltas = [part["choices"][0]["delta"] for part in choices]
    assert deltas[0].pop("role") == "assistant"
    assert all("role" not in delta for delta in deltas)
    assert all(delta.get("content") != "" for delta in deltas[1:])
    assert deltas[-1] == {}
    ends = [part["choices"][0]["finish_reason"] for part in choices]
    assert ends == [None] * (len(ends) - 1) + ["tool_calls"]
    pieces = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert len(pieces) > 3
    assert [piece["function"].get("name") for piece in pieces] == ["look"] + [None] * (
        len(pieces) - 1
    )
    assert usage["choices"] == []


CLOSED: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": []}),
    ("/v1/chat/completions", {"messages": {"role": "user", "content": "a"}}),
    ("/v1/chat/completions", {"messages": None}),
    ("/v1/messages", {"messages": [], "max_tokens": 5}),
    ("/v1/messages", {"messages": {"role": "user", "content": "a"}, "max_tokens": 5}),
    ("/api/chat", {"messages": {"role": "user", "content": "a"}}),
    ("/v1/responses", {"input": {"role": "user"}}),
    ("/v1/responses", {"input": []}),
    ("/apply-template", {"messages": []}),
    ("/apply-template", {"messages": {"role": "user"}}),
    ("/v1/messages/count_tokens", {"messages": {}}),
]


@pytest.mark.parametrize(("path", "body"), CLOSED)
async def test_messages_of_a_wrong_shape_are_named(path: str, body: dict[str, Any]) -> None:
    async with served("Yes.") as server:
        reply = await server.client.post(path, {"model": "fake"} | body)
        assert reply.status == 400, reply.body
        assert ("input" if "input" in body else "messages") in reply.body.decode()


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "seen"}
SAID = {"role": "user", "content": "a"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat", "/apply-template"])
@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [CALL]},
        {"tool_calls": [CALL]},
        {"content": "", "tool_calls": [CALL]},
        {"content": [], "tool_calls": [CALL]},
        {"content": "Well.", "tool_calls": None},
        {"content": "Well.", "tool_calls": [], "name": None, "refusal": None, "audio": None},
        {"content": "Well.", "function_call": None, "reasoning_content": None, "images": None},
    ],
)
async def test_null_is_absent_in_messages(path: str, message: dict[str, Any]) -> None:
    answer = {"role": "assistant", **message}
    talk = [SAID, answer, *([RESULT] if message.get("tool_calls") else []), SAID]
    async with served("Yes.") as server:
        reply = await server.client.post(path, {"model": "fake", "messages": talk, "stream": False})
        if path == "/api/chat" and message.get("content") == []:
            assert reply.status == 400, "Ollama's content is text"
            assert "messages[1].content" in reply.json["error"]
            return
        assert reply.status == 200, reply.body
        assert b"Yes." in reply.body or b"prompt" in reply.body


@EACH
@BOTH
async def test_every_optional_field_may_be_null(dialect: Dialect, streams: bool) -> None:
    needed = {"model", "messages", "prompt", "input", "max_tokens", "stream", "options"}
    optional = dict.fromkeys(MODELS[dialect.path].model_fields.keys() - needed)
    async with served("Yes.") as server:
        answer = await server.ask(dialect, streams=streams, more=optional)
        assert (answer.text, answer.end) == ("Yes.", "stop")


LATE_SYSTEM = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('System message must be at the beginning') }}{% endif %}"
    "[{{ m.role }}]{{ m.content }}{% endfor %}"
)
REFUSING = "{{ raise_exception('Not with these messages') }}"


def talk_of(dialect: Dialect, *messages: tuple[str, str]) -> dict[str, Any]:
    """A body with a conversation."""
    talk = [{"role": role, "content": content} for role, content in messages]
    field = "input" if dialect.path == "/v1/responses" else "messages"
    return {"model": "fake", "max_tokens": 20, "stream": False, field: talk}


TALKS_OF_ALL = [
    [("user", "one"), ("assistant", "two"), ("system", "three"), ("user", "four")],
    [("system", "one"), ("system", "two"), ("user", "three")],
    [("developer", "one"), ("user", "two")],
    [("user", "one"), ("user", "two")],
    [("user", "one"), ("system", "two"), ("user", "three")],
]


@TALKS
@pytest.mark.parametrize("talk", TALKS_OF_ALL, ids=lambda talk: "-".join(each for each, _ in talk))
async def test_messages_keep_their_places_where_a_template_is_strict(
    dialect: Dialect, talk: list[tuple[str, str]]
) -> None:
    async with served("Yes.", LATE_SYSTEM) as server:
        reply = await server.client.post(dialect.path, talk_of(dialect, *talk))
        if dialect.path == "/v1/messages" and talk[0][0] == "developer":
            assert reply.status == 400, "Anthropic has no such role"
            assert "messages[0].role" in reply.body.decode()
            return
        assert reply.status == 200, reply.body
        assert b"Yes." in reply.body
        (plan, *_) = [plan for plan in server.runner.history if plan.rows]
        prompt = bytes(t for row in plan.rows for t in row.tokens if t < 256).decode()
        places = [prompt.index(content) for _, content in talk]
        assert places == sorted(places)


@TALKS
@BOTH
async def test_a_templates_refusal_is_told_in_its_own_words(
    dialect: Dialect, streams: bool
) -> None:
    async with served("Yes.", REFUSING) as server:
        body = talk_of(dialect, ("user", "a")) | {"stream": streams}
        reply = await server.client.post(dialect.path, body)
        assert reply.status == 400
        assert "Not with these messages" in reply.body.decode()
