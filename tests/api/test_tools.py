"""Calls of tools and reasoning in OpenAI's chat completions, with its own client over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from factories import SteppedEngine
from live_server import serve

HERMES = (
    "{# <tool_call> <think> #}{% if tools %}{{ tools | tojson }}{% endif %}"
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
)
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TALK: Any = [{"role": "user", "content": "How is the weather?"}]
ARGUMENTS = '{"city": "Oslo"}'
SCRIPT = (
    "<think>\nI shall look.\n</think>\n\nOne moment.\n"
    f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>'
)


@contextmanager
def client_of(script: str, template: str = HERMES) -> Iterator[openai.OpenAI]:
    """A client of a model that writes a script."""
    with (
        serve(lambda: FakeRunner(script=script, chat_template=template)) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with client_of(SCRIPT) as client:
        yield client


def test_a_whole_answer_has_calls_and_reasoning(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="fake", messages=TALK, tools=[WEATHER])
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "One moment."
    assert choice.message.model_extra == {"reasoning_content": "I shall look."}
    assert choice.message.tool_calls
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("weather", ARGUMENTS)


def test_a_stream_has_name_first_then_arguments_then_the_reason(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="fake",
            messages=TALK,
            tools=[WEATHER],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert choices[0].delta.role == "assistant"
    calls = [choice.delta.tool_calls[0] for choice in choices if choice.delta.tool_calls]
    assert calls[0].id
    assert calls[0].function
    assert (calls[0].function.name, calls[0].function.arguments) == ("weather", "")
    assert len(calls) > 3
    assert all(call.index == 0 and call.id is None for call in calls[1:])
    assert "".join(call.function.arguments or "" for call in calls if call.function) == ARGUMENTS
    assert "".join(choice.delta.content or "" for choice in choices) == "One moment."
    reasoning = [(choice.delta.model_extra or {}).get("reasoning_content") for choice in choices]
    assert "".join(text or "" for text in reasoning) == "I shall look."
    assert choices[-1].finish_reason == "tool_calls"
    assert choices[-1].delta.model_dump(exclude_none=True) == {}
    assert chunks[-1].choices == []
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == len(SCRIPT) + 1


def test_log_probabilities_are_those_of_all_tokens(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="fake", messages=TALK, tools=[WEATHER], stream=True, logprobs=True
    )
    choices = [chunk.choices[0] for chunk in answer]
    tokens = [
        entry.token
        for choice in choices
        if choice.logprobs
        for entry in choice.logprobs.content or ()
    ]
    assert "".join(tokens) == SCRIPT


def test_a_call_that_is_cut_ends_by_length(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="fake", messages=TALK, tools=[WEATHER], max_tokens=len(SCRIPT) - 20
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "length"
    assert choice.message.content == "One moment."
    [call] = choice.message.tool_calls or ()
    assert call.function.name == "weather"  # type: ignore[union-attr]
    assert ARGUMENTS.startswith(call.function.arguments)  # type: ignore[union-attr]
    assert call.function.arguments != ARGUMENTS  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_required_call_that_is_cut_is_never_text(client: openai.OpenAI, choice: Any) -> None:
    start = SCRIPT.index("<tool_call>")
    for length in range(start + 1, len(SCRIPT) - 12, 5):
        answer = client.chat.completions.create(
            model="fake", messages=TALK, tools=[WEATHER], tool_choice=choice, max_tokens=length
        )
        [found] = answer.choices
        assert found.finish_reason == "length"
        assert "<" not in (found.message.content or "")
        for call in found.message.tool_calls or ():
            assert call.function.name == "weather"  # type: ignore[union-attr]


def test_without_tools_or_by_choice_nothing_is_a_call(client: openai.OpenAI) -> None:
    for more in ({}, {"tools": [WEATHER], "tool_choice": "none"}):
        answer = client.chat.completions.create(model="fake", messages=TALK, **more)  # type: ignore[call-overload]
        assert answer.choices[0].finish_reason == "stop"
        assert answer.choices[0].message.tool_calls is None
        assert "<tool_call>" in answer.choices[0].message.content


async def test_a_tool_that_is_named_is_called_once() -> None:
    engine = SteppedEngine(chat_template=HERMES)
    engine.allow()
    named = {"type": "function", "function": {"name": "weather"}}
    body = {"messages": TALK, "tools": [WEATHER], "tool_choice": named, "max_tokens": 1}
    for more in ({}, {"parallel_tool_calls": False}, {"tool_choice": "required"}):
        reply = await Client(create_app(engine)).post("/v1/chat/completions", body | more)
        assert reply.status == 200, reply.body
    constraints = [request.constraint for request in engine.requests]
    assert constraints[0] == constraints[1] != constraints[2]


def test_results_go_back_to_the_model(client: openai.OpenAI) -> None:
    call = {"id": "1", "type": "function"}
    history: Any = [
        *TALK,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**call, "function": {"name": "weather", "arguments": ARGUMENTS}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "rain"},
    ]
    answer = client.chat.completions.create(model="fake", messages=history, tools=[WEATHER])
    first = client.chat.completions.create(model="fake", messages=TALK, tools=[WEATHER])
    shown = f'<tool_call>{{"name": "weather", "arguments": {ARGUMENTS}}}</tool_call>'
    assert answer.usage
    assert first.usage
    added = answer.usage.prompt_tokens - first.usage.prompt_tokens
    assert added == len(f"[assistant]{shown}[tool]rain")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tools": "x"}, "tools"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "perhaps"}, "tool_choice"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": 5}}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": "x"}]}, "messages[0].tool_calls"),
    ],
)
def test_what_is_wrong_is_named(client: openai.OpenAI, body: Any, field: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body={"messages": TALK} | body, cast_to=object)
    assert caught.value.body["param"] == field  # type: ignore[index]


UNITS: Any = {
    "type": "function",
    "function": {
        "name": "unit",
        "parameters": {
            "type": "object",
            "properties": {"unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["unit"],
        },
    },
}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "unit"}}])
def test_a_call_that_is_required_is_made(choice: Any) -> None:
    tools = [UNITS] if choice == "required" else [UNITS, WEATHER]
    template = HERMES.replace("<think>", "")
    with client_of("I would rather talk.", template) as client:
        answer = client.chat.completions.create(
            model="fake", messages=TALK, tools=tools, tool_choice=choice
        )
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert calls
    for call in calls:
        assert call.type == "function"
        assert call.function.name == "unit"
        assert json.loads(call.function.arguments) == {"unit": "celsius"}


def test_arguments_fit_their_schema_from_the_mark_on() -> None:
    with client_of('Well. <tool_call>{"name": "unit", "arguments": {"unit": "kelvin"}}') as client:
        answer = client.chat.completions.create(model="fake", messages=TALK, tools=[UNITS])
    message = answer.choices[0].message
    assert message.content == "Well."
    assert message.tool_calls
    assert '"celsius"' in message.tool_calls[0].function.arguments  # type: ignore[union-attr]


def test_a_mark_within_reasoning_requires_nothing() -> None:
    script = '<think>a <tool_call>{"name": "x"}</think>Done.'
    with client_of(script) as client:
        answer = client.chat.completions.create(model="fake", messages=TALK, tools=[UNITS])
    assert answer.choices[0].message.content == "Done."
    assert answer.choices[0].message.model_extra == {
        "reasoning_content": 'a <tool_call>{"name": "x"}'
    }


def test_a_strict_schema_is_enforced_or_refused(client: openai.OpenAI) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?<=x)y"}}}
    function = {"name": "f", "parameters": parameters, "strict": True}
    tools: Any = [WEATHER, {"type": "function", "function": function}]
    with pytest.raises(openai.BadRequestError, match="properties/a") as caught:
        client.chat.completions.create(model="fake", messages=TALK, tools=tools)
    assert caught.value.body["param"] == "tools[1].function.parameters"  # type: ignore[index]


def test_a_call_and_a_text_by_a_grammar_exclude_each_other(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="fake",
            messages=TALK,
            tools=[WEATHER],
            tool_choice="required",
            extra_body={"guided_regex": "a+"},
        )
    assert caught.value.body["param"] == "tool_choice"  # type: ignore[index]


def test_a_form_of_the_answer_leaves_calls_possible(client: openai.OpenAI) -> None:
    """As instructor and frameworks of agents ask: the answer has a schema, and tools may or must be called first."""
    script = f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>'
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    choices: list[Any] = [
        "auto",
        "required",
        {"type": "function", "function": {"name": "weather"}},
    ]
    with client_of(script) as caller, client_of('{"a": 1}') as answerer:
        for choice in choices:
            asked: dict[str, Any] = {"tool_choice": choice, "response_format": form}
            answer = caller.chat.completions.create(
                model="fake", messages=TALK, tools=[WEATHER], **asked
            )
            assert answer.choices[0].finish_reason == "tool_calls", choice
            assert answer.choices[0].message.content is None
        answer = answerer.chat.completions.create(
            model="fake", messages=TALK, tools=[WEATHER], response_format=form
        )
    assert (answer.choices[0].finish_reason, answer.choices[0].message.content) == (
        "stop",
        '{"a": 1}',
    )


def test_an_answer_is_constrained_behind_reasoning_that_the_prompt_has_opened() -> None:
    opening = HERMES + "{% if add_generation_prompt %}<think>\n{% endif %}"
    with client_of("hm</think>perhaps", opening) as client:
        answer = client.chat.completions.create(
            model="fake", messages=TALK, extra_body={"guided_choice": ["yes"]}
        )
    message = answer.choices[0].message
    assert (message.content, message.model_extra) == ("yes", {"reasoning_content": "hm"})
