"""Chat completions with tools of tool servers, which run here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest

from api.test_tool_servers import HEAD, HERMES, OPTIONS, TOOL, Caller, call_of, client_of
from asgi import Client
from coblyn.api.openai.tool_history import approved_ids, expanded
from coblyn.engine.fake import FakeRunner
from coblyn.engine.masks import Words
from coblyn.engine.plan import Row, Sampled
from coblyn.errors import BadRequest
from live_server import serve

PATH = "/v1/chat/completions"
ASK = {**TOOL, "require_approval": "always"}
QUESTION = {"role": "user", "content": "Oslo?"}
RAIN = "Rain in Oslo.\n[image: image/png]"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with client_of(Caller) as client:
        yield client


async def ask(client: Client, *messages: Any, **body: Any) -> dict[str, Any]:
    said = {"messages": [QUESTION, *messages], "tools": [TOOL], **body}
    reply = await client.post(PATH, said)
    assert reply.status == 200, reply.json
    found: dict[str, Any] = reply.json
    return found


def chunks_of(body: bytes) -> list[dict[str, Any]]:
    """The chunks of a stream."""
    frames = body.decode().split("\n\n")
    data = [frame.removeprefix("data: ") for frame in frames if frame.startswith("data: {")]
    return [json.loads(each) for each in data]


def without_ids(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in call.items() if key != "id"} for call in calls]


async def test_a_tool_runs_and_the_model_goes_on_with_its_result(client: Client) -> None:
    answer = await ask(client)
    [choice] = answer["choices"]
    message = choice["message"]
    assert choice["finish_reason"] == "stop"
    assert message["content"] == "Wait.\n\nTake an umbrella."
    assert "tool_calls" not in message, "the client has nothing to run"
    [call] = message["mcp_calls"]
    assert (call["type"], call["server_label"], call["name"]) == ("mcp_call", "sky", "weather")
    assert (call["status"], call["output"], call["error"]) == ("completed", RAIN, None)
    assert json.loads(call["arguments"]) == {"city": "Oslo"}
    assert answer["usage"]["completion_tokens"] > len(Caller.first), "both rounds are counted"


async def test_a_stream_says_the_same(client: Client) -> None:
    whole = await ask(client)
    body = {"messages": [QUESTION], "tools": [TOOL], "stream": True}
    told = chunks_of((await client.post(PATH, body)).body)
    deltas = [chunk["choices"][0]["delta"] for chunk in told]
    assert sum("role" in delta for delta in deltas) == 1
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text == whole["choices"][0]["message"]["content"]
    items = [item for delta in deltas for item in delta.get("mcp_calls", ())]
    assert [(item["index"], item["status"]) for item in items] == [
        (0, "in_progress"),
        (0, "completed"),
    ]
    assert not any("tool_calls" in delta for delta in deltas)
    last = {key: value for key, value in items[-1].items() if key != "index"}
    assert without_ids([last]) == without_ids(whole["choices"][0]["message"]["mcp_calls"])
    assert [chunk["choices"][0]["finish_reason"] for chunk in told][-1] == "stop"
    assert len({chunk["id"] for chunk in told}) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("approve", "result"), [(True, RAIN), (False, None)])
async def test_a_call_waits_until_it_is_allowed(
    client: Client, stream: bool, approve: bool, result: str | None
) -> None:
    asked = (await ask(client, tools=[ASK]))["choices"][0]
    assert asked["finish_reason"] == "tool_calls"
    [call] = asked["message"]["tool_calls"]
    assert call["function"]["name"] == "sky__weather"
    assert call["mcp"] == {"server_label": "sky", "name": "weather", "needs_approval": True}
    assert "mcp_calls" not in asked["message"]
    decision = {"role": "tool", "tool_call_id": call["id"], "approve": approve}
    messages = [QUESTION, asked["message"], decision]
    body = {"messages": messages, "tools": [ASK], "stream": stream}
    reply = await client.post(PATH, body)
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks_of(reply.body)]
        ran = [item for delta in deltas for item in delta.get("mcp_calls", ())][1:]
        text = "".join(delta.get("content") or "" for delta in deltas)
    else:
        message = reply.json["choices"][0]["message"]
        ran, text = message.get("mcp_calls", []), message["content"]
    assert [item["output"] for item in ran] == ([result] if result else [])
    assert all(item["id"] == call["id"] for item in ran)
    assert text == "Take an umbrella."


async def test_a_streamed_question_is_marked(client: Client) -> None:
    body = {"messages": [QUESTION], "tools": [ASK], "stream": True}
    told = chunks_of((await client.post(PATH, body)).body)
    calls = [call for chunk in told for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert calls[0]["mcp"]["needs_approval"] is True
    assert {call["index"] for call in calls} == {0}
    arguments = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(arguments) == {"city": "Oslo"}


async def test_calls_of_a_message_of_the_user_mean_nothing(client: Client) -> None:
    reply = await client.post(PATH, {"messages": [{"role": "user", "mcp_calls": [{}]}]})
    assert reply.status == 200, reply.json


WRONG: list[list[Any]] = [
    [{"role": "tool", "tool_call_id": "call_1", "approve": True}],
    [{"role": "tool", "approve": True}],
    [{"role": "tool", "tool_call_id": "call_1", "approve": "yes"}],
    [{"role": "assistant", "content": "x", "mcp_calls": [{}]}],
    [{"role": "assistant", "content": "x", "mcp_calls": {}}],
    [
        {"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "own"}}]},
        {"role": "tool", "tool_call_id": "call_1", "approve": True},
    ],
]


async def test_decisions_about_nothing_are_refused(client: Client) -> None:
    for messages in WRONG:
        for more in ({"tools": [TOOL]}, {}, {"n": 2}):
            reply = await client.post(PATH, {"messages": [QUESTION, *messages], **more})
            assert reply.status == 400, (messages, more)
            assert reply.json["error"]["param"].startswith("messages"), reply.json


class Mixed(Caller):
    """Calls a tool of the server and one of the client."""

    own = '<tool_call>\n{"name": "own", "arguments": {}}\n</tool_call>'
    first = f"{HEAD}{call_of('weather', city='Oslo')}\n{own}"


async def test_the_client_gets_its_own_calls_when_ours_have_run() -> None:
    own = {"type": "function", "function": {"name": "own", "parameters": {"type": "object"}}}
    async with client_of(Mixed) as client:
        answer = await ask(client, tools=[TOOL, own])
        [choice] = answer["choices"]
        assert choice["finish_reason"] == "tool_calls"
        [call] = choice["message"]["tool_calls"]
        assert (call["function"]["name"], "mcp" in call) == ("own", False)
        [ran] = choice["message"]["mcp_calls"]
        assert ran["output"] == RAIN
        body = {"messages": [QUESTION], "tools": [TOOL, own], "stream": True}
        told = chunks_of((await client.post(PATH, body)).body)
        deltas = [chunk["choices"][0]["delta"] for chunk in told]
        calls = [each for delta in deltas for each in delta.get("tool_calls", ())]
        assert {each["index"] for each in calls} == {0}, "indices count what the client sees"
        done = {"role": "tool", "tool_call_id": call["id"], "content": "Done."}
        again = await ask(client, choice["message"], done, tools=[TOOL, own])
    assert again["choices"][0]["message"]["content"] == "Take an umbrella."


class Endless(Caller):
    def _sample(self, row: Row, words: Words | None = None) -> Sampled:
        self.script = self.first
        return FakeRunner._sample(self, row, words)


async def test_calls_have_a_limit() -> None:
    async with client_of(Endless) as client:
        answer = await ask(client, max_tool_calls=2)
    calls = answer["choices"][0]["message"]["mcp_calls"]
    assert [call["status"] for call in calls[:2]] == ["completed", "completed"]
    assert len(calls) <= 3


async def test_no_call_may_run_at_all(client: Client) -> None:
    answer = await ask(client, max_tool_calls=0)
    assert not answer["choices"][0]["message"].get("mcp_calls")


async def test_a_call_that_is_cut_does_not_run(client: Client) -> None:
    answer = await ask(client, max_tokens=len(Caller.first) - 20)
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "length"
    assert "mcp_calls" not in choice["message"]
    reply = await client.post(
        "/v1/responses",
        {"input": "Oslo?", "tools": [TOOL], "max_output_tokens": len(Caller.first) - 20},
    )
    assert reply.json["status"] == "incomplete"
    calls = [item for item in reply.json["output"] if item["type"] == "mcp_call"]
    assert [call["output"] for call in calls] in ([], [None])


async def test_the_history_of_an_answer_reaches_the_model(client: Client) -> None:
    first = (await ask(client))["choices"][0]["message"]
    reply = await client.post(
        f"{PATH}/input_tokens",
        {"messages": [QUESTION, first, QUESTION], "tools": [TOOL]},
    )
    bare = await client.post(
        f"{PATH}/input_tokens",
        {"messages": [QUESTION, {**first, "mcp_calls": None}, QUESTION], "tools": [TOOL]},
    )
    assert reply.json["input_tokens"] > bare.json["input_tokens"] + len(RAIN)


async def test_servers_that_are_not_here_are_left_out_with_a_warning(client: Client) -> None:
    tools = [{"type": "mcp", "server_label": "sea", "server_url": "http://127.0.0.1:9/mcp"}]
    answer = await ask(client, tools=tools)
    assert "tools[0]" in answer["warnings"]


async def test_an_approval_with_half_a_question_is_no_fault_of_ours(client: Client) -> None:
    items = [
        {"type": "mcp_approval_request", "id": "q"},
        {"type": "mcp_approval_response", "approve": True, "approval_request_id": "q"},
    ]
    reply = await client.post("/v1/responses", {"input": items, "tools": [TOOL]})
    assert reply.status == 200
    assert reply.json["output"][1]["status"] == "failed"


async def test_a_story_s_context_has_the_tools_of_its_servers(client: Client) -> None:
    puts = {"mode": "assistant", "settings/tool_servers": {"sky": {"allowed": []}}}
    words = {"from": 0, "to": 0, "insert": "{{[INPUT]}}\nWet?\n{{[OUTPUT]}}\n"}
    operations = [
        {"kind": "edit", "branch": "main", "changes": [words]},
        *({"kind": "put", "place": place, "value": value} for place, value in puts.items()),
    ]
    named = [one | {"id": f"o{n}", "unit": "begin"} for n, one in enumerate(operations)]
    story = (await client.post("/api/coblyn/stories", {"operations": named})).json["id"]
    path = f"/api/coblyn/stories/{story}/context"
    assert "sky__weather" not in (await client.post(path, {})).json["prompt"], "nobody asked it yet"
    await client.get("/api/coblyn/tools")
    assert "sky__weather" in (await client.post(path, {})).json["prompt"]


def test_an_approval_runs_once() -> None:
    """A history that is sent again has the decision in it, and the result beside the answer that followed."""
    call = {"id": "c1", "type": "function", "function": {"name": "sky__weather", "arguments": "{}"}}
    ran = {"id": "c1", "server_label": "sky", "name": "weather", "output": "Rain."}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    decision = {"role": "tool", "tool_call_id": "c1", "approve": True}
    answer = {"role": "assistant", "content": "Wet.", "mcp_calls": [ran]}
    assert approved_ids([QUESTION, asked, decision]) == ["c1"]
    history = [QUESTION, asked, decision, answer, QUESTION]
    assert approved_ids(history) == []
    found = [(each["role"], each.get("content")) for each in expanded(history)]
    assert found == [
        ("user", "Oslo?"),
        ("assistant", None),
        ("tool", "Rain."),
        ("assistant", "Wet."),
        ("user", "Oslo?"),
    ]
    bare = [QUESTION, asked, decision, {"role": "assistant", "content": "Wet."}, QUESTION]
    assert "not kept" in str(expanded(bare)[2]["content"])


def test_malformed_decisions_name_their_place() -> None:
    with pytest.raises(BadRequest, match=r"messages\[0\]\.approve"):
        expanded([{"role": "tool", "tool_call_id": "c", "approve": 1}])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(lambda: Caller(chat_template=HERMES, repeats=False), options=OPTIONS) as url:
        yield url


def test_the_openai_client_runs_an_approval(address: str) -> None:
    """The answer's message is sent back as the client's own type, with the fields that it does not know."""
    with openai.OpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
        messages: Any = [QUESTION]
        tools: Any = [ASK]
        asked = client.chat.completions.create(model="fake", messages=messages, tools=tools)
        message = asked.choices[0].message
        assert message.tool_calls
        messages += [
            message,
            {"role": "tool", "tool_call_id": message.tool_calls[0].id, "approve": True},
        ]
        done = client.chat.completions.create(model="fake", messages=messages, tools=tools)
    answer = done.choices[0].message
    assert answer.content == "Take an umbrella."
    assert (answer.model_extra or {})["mcp_calls"][0]["output"] == RAIN
