"""How much a model may reason, over HTTP, on the engine's own loop with a script in place of a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.thinking import bind_thinking
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand, TextPrompt

MESSAGES = [{"role": "user", "content": "a"}]
CHAT, TEXT, KOBOLD = "/v1/chat/completions", "/v1/completions", "/api/v1/generate"
SCRIPT = "<think>one two three four five six</think>\n\nIt is seven, or eight, or even nine."
TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
OPENED = TEMPLATE + "<think>\n"


async def client_of(template: str, script: str = SCRIPT, **how: Any) -> AsyncIterator[Client]:
    template += "{# <think> #}"
    runner = partial(FakeRunner, script=script, chat_template=template, repeats=True, **how)
    engine = LocalEngine(runner, max_running=4)
    yield Client(create_app(engine))
    await engine.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async for client in client_of(TEMPLATE):
        yield client


@pytest.fixture
async def opened() -> AsyncIterator[Client]:
    async for client in client_of(OPENED, SCRIPT.removeprefix("<think>")):
        yield client


async def reply_to(client: Client, **body: Any) -> dict[str, Any]:
    reply = await client.post(CHAT, {"messages": MESSAGES, "max_tokens": 60} | body)
    assert reply.status == 200, reply.json
    return dict(reply.json["choices"][0]["message"])


@pytest.mark.parametrize(
    "body",
    [
        {"reasoning_budget": 8},
        {"thinking": {"type": "enabled", "budget_tokens": 8}},
        {"reasoning": {"max_tokens": 8}},
        {"reasoning_effort": "low", "thinking_budget": 8},
    ],
)
async def test_reasoning_ends_at_its_budget(client: Client, body: dict[str, Any]) -> None:
    message = await reply_to(client, **body)
    assert message["reasoning_content"] == "one two"
    assert message["content"]


async def test_it_is_as_long_as_it_is_where_nobody_limits_it(client: Client) -> None:
    for body in ({}, {"reasoning_effort": "high"}, {"reasoning_budget": -1}):
        message = await reply_to(client, **body)
        assert message["reasoning_content"] == "one two three four five six"


DIALECTS: dict[str, tuple[dict[str, Any], Callable[[Any], str], Callable[[Any], str]]] = {
    "/v1/responses": (
        {"input": "a", "max_output_tokens": 60},
        lambda reply: reply["output"][0]["content"][0]["text"],
        lambda reply: reply["output"][1]["content"][0]["text"],
    ),
    "/v1/messages": (
        {"model": "fake", "messages": MESSAGES, "max_tokens": 60},
        lambda reply: reply["content"][0]["thinking"],
        lambda reply: reply["content"][1]["text"],
    ),
    "/api/chat": (
        {"model": "fake", "messages": MESSAGES, "stream": False, "options": {"num_predict": 60}},
        lambda reply: reply["message"]["thinking"],
        lambda reply: reply["message"]["content"],
    ),
    "/api/generate": (
        {"model": "fake", "prompt": "a", "stream": False, "options": {"num_predict": 60}},
        lambda reply: reply["thinking"],
        lambda reply: reply["response"],
    ),
    "/completion": (
        {"prompt": "a", "n_predict": 60},
        lambda reply: reply["content"].partition("</think>")[0].removeprefix("<think>").strip(),
        lambda reply: reply["content"].partition("</think>")[2],
    ),
    "/v1/completions": (
        {"prompt": "a", "max_tokens": 60},
        lambda reply: reply["choices"][0]["text"][len("<think>") :].partition(" </think>")[0],
        lambda reply: reply["choices"][0]["text"].partition("</think>")[2],
    ),
}
"""Bodies of the other dialects, and where their replies have the reasoning and the answer."""


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize("budget", [{"reasoning_budget": 8}, {"thinking_budget": 8}])
async def test_a_budget_counts_in_every_dialect(
    path: str, budget: dict[str, Any], client: Client
) -> None:
    body, reasoning, answer = DIALECTS[path]
    reply = await client.post(path, body | budget)
    assert reply.status == 200, reply.json
    assert reasoning(reply.json) == "one two"
    assert answer(reply.json).strip()
    assert "x-coblyn-warnings" not in reply.headers


async def test_what_a_template_opened_is_limited_too(opened: Client) -> None:
    message = await reply_to(opened, reasoning_budget=8)
    assert message["reasoning_content"] == "one two"
    assert message["content"]


async def test_no_reasoning_at_all(client: Client, opened: Client) -> None:
    for one in (client, opened):
        message = await reply_to(one, reasoning_effort="none")
        assert not message.get("reasoning_content")
        assert message["content"]


async def test_a_constraint_holds_behind_the_reasoning(opened: Client) -> None:
    message = await reply_to(opened, guided_regex="[0-9]{3}", reasoning_budget=8)
    assert message["reasoning_content"] == "one two"
    assert message["content"] == "000"


async def test_raw_text_is_limited_by_the_marks_of_the_model(client: Client) -> None:
    body = {"prompt": "a", "max_length": 40, "reasoning_budget": 3}
    reply = await client.post(KOBOLD, body)
    assert reply.json["results"][0]["text"].startswith("<think>one</think>\n\n")
    assert "warnings" not in reply.json


async def test_somebody_ends_it_while_it_runs() -> None:
    async for client in client_of(TEMPLATE, "<think>" + "on and on " * 500, seconds_a_step=0.002):
        task = asyncio.create_task(reply_to(client, genkey="KCPP1", max_tokens=900))
        for _ in range(500):
            shown = await client.post("/api/extra/generate/check", {"genkey": "KCPP1"})
            if "on" in shown.json["results"][0]["text"]:
                break
            await asyncio.sleep(0.01)
        path = "/api/coblyn/requests/{}/end-thinking"
        assert (await client.post(path.format("KCPP1"), {})).json == {"success": True}
        assert (await client.post(path.format("other"), {})).json == {"success": False}
        message = await task
        assert len(message["reasoning_content"]) < 850
        assert message["content"]


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("/v1/messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("/v1/responses", {"input": "a", "max_output_tokens": 2000}),
        ("/api/chat", {"think": True, "options": {"num_predict": 2000}}),
        (CHAT, {}),
    ],
)
async def test_a_stream_of_every_dialect_is_ended_by_its_request(
    path: str, extra: dict[str, Any]
) -> None:
    body = {"model": "fake", "messages": MESSAGES, "max_tokens": 2000, "stream": True} | extra
    if "input" in extra:
        del body["messages"], body["max_tokens"]
    async for client in client_of(TEMPLATE, "<think>" + "on and on " * 500, seconds_a_step=0.001):
        async with client.open("POST", path, body) as stream:
            begun = b""
            while b"on" not in begun.replace(b"content", b"").replace(b"reason", b""):
                begun += await stream.next() or b""
            name = stream.answer_headers["x-request-id"]
            ended = await client.post(f"/api/coblyn/requests/{name}/end-thinking", {})
            assert ended.json == {"success": True}
            rest = await stream.all()
        times = 4 if "input" in extra else 1  # its closing events repeat the text
        assert (begun + rest).count(b"on and") < 400 * times
        other = await client.post(f"/api/coblyn/requests/{name}/end-thinking", {})
        assert other.json == {"success": False}, "it is over"


def test_templates_are_told() -> None:
    chat = GenerateCommand(ChatPrompt((), variables=(("reasoning_effort", "high"),)))
    bound = bind_thinking(chat, {"reasoning_effort": "low", "reasoning_budget": 5000})
    assert dict(bound.prompt.variables) == {
        "enable_thinking": True,
        "thinking": True,
        "reasoning_effort": "high",
    }  # type: ignore[union-attr]
    assert bound.max_thinking == 1024, "the smaller of the two"
    off = bind_thinking(GenerateCommand(ChatPrompt(())), {"think": False})
    assert dict(off.prompt.variables) == {"enable_thinking": False, "thinking": False}  # type: ignore[union-attr]
    assert bind_thinking(chat, {"reasoning_effort": None, "thinking": "yes"}) is chat
    raw = GenerateCommand(TextPrompt("a"))
    assert bind_thinking(raw, {"reasoning_budget": 7}).max_thinking == 7


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"reasoning": {"effort": ["low"]}}, "reasoning.effort"),
        ({"reasoning_budget": "8"}, "reasoning_budget"),
        ({"thinking": {"budget_tokens": True}}, "thinking.budget_tokens"),
        ({"thinking_budget": 10**12}, "thinking_budget"),
    ],
)
def test_what_cannot_be_understood_is_refused(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        bind_thinking(GenerateCommand(TextPrompt("a")), body)
    assert caught.value.field == field
