"""``/v1/responses``, by hand and with OpenAI's own client over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from api.test_tools import HERMES
from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.errors import EngineRestarted
from factories import SteppedEngine, wait_for
from live_server import serve

PATH = "/v1/responses"
ARGUMENTS = '{"city": "Oslo"}'
CALL = f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>'
SCRIPT = f"<think>\nI shall look.\n</think>\n\nOne moment.\n{CALL}"
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": None,
}
PLAIN = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"


@contextmanager
def client_of(script: str, **changes: Any) -> Iterator[openai.OpenAI]:
    """A client of a model that writes a script."""
    with (
        serve(lambda: FakeRunner(script=script, chat_template=HERMES, **changes)) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def caller() -> Iterator[openai.OpenAI]:
    with client_of(SCRIPT) as client:
        yield client


@pytest.fixture(scope="module")
def speaker() -> Iterator[openai.OpenAI]:
    with client_of("Knock, knock.") as client:
        yield client


@pytest.fixture
async def talker() -> AsyncIterator[SteppedEngine]:
    """An engine whose template shows roles and texts, and nothing else."""
    engine = SteppedEngine(chat_template=PLAIN)
    engine.allow(4000)
    yield engine
    await engine.close()


def events(body: bytes) -> list[dict[str, Any]]:
    found = []
    for part in body.decode().split("\n\n")[:-1]:
        name, data = part.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def prompt_of(engine: SteppedEngine, index: int = -1) -> str:
    return bytes(t for t in engine.requests[index].prompt.ids if t < 256).decode()


def test_a_text(speaker: openai.OpenAI) -> None:
    answer = speaker.responses.create(
        model="fake", input="Who is there?", metadata={"a": "b"}, temperature=0.5, user="me"
    )
    assert answer.output_text == "Knock, knock."
    assert (answer.status, answer.object, answer.error) == ("completed", "response", None)
    assert [item.type for item in answer.output] == ["message"]
    assert answer.usage
    assert answer.usage.output_tokens == len("Knock, knock.") + 1
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert (answer.metadata, answer.temperature, answer.user) == ({"a": "b"}, 0.5, "me")
    assert (answer.tools, answer.tool_choice, answer.parallel_tool_calls) == ([], "auto", True)


def test_a_stream_of_text_is_what_the_clients_helper_takes(speaker: openai.OpenAI) -> None:
    with speaker.responses.stream(model="fake", input="Hi") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "Knock, knock."
    once = [kind for i, kind in enumerate(kinds) if kind not in kinds[:i]]
    assert once == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_reasoning_text_and_calls_are_items(caller: openai.OpenAI) -> None:
    answer = caller.responses.create(model="fake", input="How is it?", tools=[WEATHER])
    thought, said, called = answer.output
    assert thought.type == "reasoning"
    assert thought.content
    assert thought.content[0].text == "I shall look."
    assert thought.encrypted_content is None
    assert answer.output_text == "One moment."
    assert called.type == "function_call"
    assert (called.name, json.loads(called.arguments)) == ("weather", {"city": "Oslo"})
    assert called.call_id.startswith("call_")
    assert len({thought.id, said.id, called.id, called.call_id}) == 4
    assert answer.usage
    assert 0 < answer.usage.output_tokens_details.reasoning_tokens < answer.usage.output_tokens


def test_a_call_that_is_cut_is_incomplete(caller: openai.OpenAI) -> None:
    answer = caller.responses.create(
        model="fake",
        input="How is it?",
        tools=[WEATHER],
        max_output_tokens=SCRIPT.index('"Oslo"') + 3,
    )
    assert answer.status == "incomplete"
    assert answer.output_text == "One moment."
    called = answer.output[-1]
    assert called.type == "function_call"
    assert (called.status, called.name, called.arguments) == (
        "incomplete",
        "weather",
        '{"city": "Os',
    )


def test_a_stream_of_everything_has_its_events_in_order(caller: openai.OpenAI) -> None:
    with caller.responses.create(
        model="fake", input="How?", tools=[WEATHER], stream=True, store=False
    ) as stream:
        told = list(stream)
    assert [event.sequence_number for event in told] == list(range(len(told)))
    kinds = [event.type.removeprefix("response.") for event in told]
    once = [kind for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]
    assert once == [
        "created", "in_progress",
        "output_item.added", "reasoning_text.delta", "reasoning_text.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done", "completed",
    ]  # fmt: skip
    last = told[-1]
    assert last.type == "response.completed"
    done = [event.item for event in told if event.type == "response.output_item.done"]
    assert [item.id for item in done] == [item.id for item in last.response.output]
    assert last.response.store is False
    with pytest.raises(openai.NotFoundError):
        caller.responses.retrieve(last.response.id)


def test_reasoning_as_a_summary_and_sealed(caller: openai.OpenAI) -> None:
    with caller.responses.stream(
        model="fake",
        input="How?",
        tools=[WEATHER],
        reasoning={"effort": "minimal", "summary": "auto"},
        include=["reasoning.encrypted_content"],
    ) as stream:
        kinds = {event.type for event in stream}
        thought = stream.get_final_response().output[0]
    assert "response.reasoning_summary_text.delta" in kinds
    assert "response.reasoning_text.delta" not in kinds
    assert thought.type == "reasoning"
    assert [part.text for part in thought.summary] == ["I shall look."]
    assert thought.encrypted_content
    assert "I shall" not in thought.encrypted_content


def test_names_of_groups_and_tools_that_take_text_come_back() -> None:
    with client_of(
        '<tool_call>{"name": "files__read", "arguments": {"path": "a"}}</tool_call>\n'
        '<tool_call>{"name": "patch", "arguments": {"input": "*** Begin\\nx"}}</tool_call>'
    ) as client:
        read = {"type": "function", "name": "read", "parameters": {"type": "object"}}
        tools: Any = [
            {"type": "namespace", "name": "files", "description": "Files.", "tools": [read]},
            {"type": "custom", "name": "patch", "description": "Changes files."},
            {"type": "web_search"},
        ]
        reply = client.responses.with_raw_response.create(model="fake", input="Go", tools=tools)
        assert reply.headers["x-coblyn-warnings"] == "tools[2]"
        first, second = reply.parse().output
        assert first.type == "function_call"
        assert (first.name, first.namespace) == ("read", "files")
        assert second.type == "custom_tool_call"
        assert (second.name, second.input) == ("patch", "*** Begin\nx")
        with client.responses.stream(model="fake", input="Go", tools=tools) as stream:
            kinds = [event.type for event in stream]
        assert kinds.count("response.custom_tool_call_input.done") == 1
        assert kinds.count("response.function_call_arguments.done") == 1


def test_a_conversation_goes_on_from_what_is_kept(speaker: openai.OpenAI) -> None:
    first = speaker.responses.create(model="fake", input="Hi", instructions="Be brief.")
    second = speaker.responses.create(
        model="fake", input="Who?", previous_response_id=first.id, max_output_tokens=3
    )
    assert second.previous_response_id == first.id
    assert second.status == "incomplete"
    assert second.incomplete_details
    assert second.incomplete_details.reason == "max_output_tokens"
    assert second.output_text == "Kno"
    assert speaker.responses.retrieve(first.id).output_text == "Knock, knock."
    (item,) = speaker.responses.input_items.list(second.id).data
    assert item.type == "message"
    assert item.id
    speaker.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        speaker.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError, match="not kept") as caught:
        speaker.responses.create(model="fake", input="And?", previous_response_id=second.id)
    assert caught.value.code == "previous_response_not_found"


def test_a_stream_is_told_again(speaker: openai.OpenAI) -> None:
    with speaker.responses.create(model="fake", input="Hi", stream=True) as stream:
        told = list(stream)
    assert told[0].type == "response.created"
    name = told[0].response.id
    with speaker.responses.retrieve(name, stream=True, starting_after=1) as again:
        assert [event.to_json() for event in again] == [event.to_json() for event in told[2:]]


async def test_what_the_model_sees(talker: SteppedEngine) -> None:
    client = Client(create_app(talker))
    first = (await client.post(PATH, {"input": "hi", "instructions": "sys"})).json
    assert prompt_of(talker) == "[system]sys[user]hi"
    answer = first["output"][0]["content"][0]["text"]
    body = {"input": [{"role": "user", "content": [{"type": "input_text", "text": "go"}]}]}
    await client.post(PATH, body | {"previous_response_id": first["id"]})
    assert prompt_of(talker) == f"[user]hi[assistant]{answer}[user]go"
    reference = {"id": first["output"][0]["id"]}
    await client.post(PATH, {"input": [reference, {"role": "developer", "content": "x"}]})
    assert prompt_of(talker).startswith(f"[assistant]{answer}[")


async def test_the_oldest_turns_leave_where_the_client_allows_it(talker: SteppedEngine) -> None:
    client = Client(create_app(talker))
    talk = [{"role": "user", "content": f"{number:03}" + "a" * 1000} for number in range(8)]
    body = {"input": talk, "instructions": "sys", "max_output_tokens": 10}
    refused = await client.post(PATH, body)
    assert refused.status == 400
    assert refused.json["error"]["code"] == "context_length_exceeded"
    assert (await client.post(PATH, body | {"truncation": "auto"})).status == 200
    prompt = prompt_of(talker)
    assert prompt.startswith("[system]sys[user]004a")
    assert prompt.count("[user]") == 4


async def test_items_of_an_agent(talker: SteppedEngine) -> None:
    client = Client(create_app(talker))
    talker._runner.chat_template = HERMES
    items = [
        {"type": "message", "role": "user", "content": "look"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA-theirs"},
        {"type": "function_call", "call_id": "c1", "name": "read", "namespace": "fs", "arguments": "{"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "text"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "done", "annotations": []}]},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "c2",
         "output": [{"type": "input_text", "text": "two"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]  # fmt: skip
    assert (await client.post(PATH, {"input": items, "store": False})).status == 200
    prompt = prompt_of(talker)
    assert prompt.count("[assistant]") == 2
    assert "[assistant]done<tool_call>" in prompt
    assert '"name": "fs__read", "arguments": "{"' in prompt
    assert '"name": "patch", "arguments": {"input": "text"}' in prompt
    assert "[tool]one[tool]two[assistant]" in prompt


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{}]}, "input[0].type"),
        ({"input": [{"type": "strange"}]}, "input[0].type"),
        ({"input": [{"role": "alien", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": [{"type": "item_reference", "id": "msg_none"}]}, "input[0].id"),
        ({"input": "a", "tools": {}}, "tools"),
        ({"input": "a", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": "a", "tools": [WEATHER, WEATHER]}, "tools[1].name"),
        ({"input": "a", "tools": [{**WEATHER, "parameters": []}]}, "tools[0].parameters"),
        ({"input": "a", "tools": [{"type": "namespace", "name": "n"}]}, "tools[0].tools"),
        ({"input": "a", "tool_choice": "required"}, "tool_choice"),
        ({"input": "a", "tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
        ({"input": "a", "tool_choice": 5}, "tool_choice"),
        ({"input": "a", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"input": "a", "text": {"format": {"type": "xml"}}}, "text.format"),
        ({"input": "a", "previous_response_id": "resp_none"}, "previous_response_id"),
        ({"input": "a", "conversation": "conv_1"}, "conversation"),
        ({"input": "a", "max_output_tokens": 0}, "max_tokens"),
        ({"input": "a", "top_logprobs": 99}, "top_logprobs"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(body: dict[str, Any], param: str, client: Client) -> None:
    for stream in (False, True):
        reply = await client.post(PATH, body | {"stream": stream})
        assert reply.status == 400, reply.body
        error = reply.json["error"]
        assert error["type"] == "invalid_request_error"
        assert error["param"] == param


async def test_null_is_absent(client: Client) -> None:
    names = "instructions tools tool_choice text reasoning include metadata store max_output_tokens"
    body = {"input": "a", **dict.fromkeys(names.split())}
    assert (await client.post(PATH, body)).json["status"] == "completed"
    assert (await client.post(PATH, {"input": "a", "text": {}})).status == 200


async def test_tools_that_are_not_allowed_are_not_shown(talker: SteppedEngine) -> None:
    talker._runner.chat_template = HERMES
    client = Client(create_app(talker))
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "b"}]}
    tools = [{"type": "function", "name": name} for name in ("a", "b")]
    reply = await client.post(PATH, {"input": "x", "tools": tools, "tool_choice": choice})
    assert reply.status == 200
    assert '"name": "b"' in prompt_of(talker)
    assert '"name": "a"' not in prompt_of(talker)


async def test_a_form_and_log_probabilities() -> None:
    engine = LocalEngine(lambda: FakeRunner(script="ab"))
    client = Client(create_app(engine))
    form = {"type": "json_schema", "name": "x", "schema": {"type": "integer"}, "strict": True}
    answer = (await client.post(PATH, {"input": "a", "text": {"format": form}})).json
    text = answer["output"][0]["content"][0]["text"]
    assert isinstance(json.loads(text), int)
    assert answer["text"]["format"] == form
    body = {"input": "a", "include": ["message.output_text.logprobs"], "top_logprobs": 1}
    content = (await client.post(PATH, body)).json["output"][0]["content"][0]
    assert [entry["token"] for entry in content["logprobs"]] == ["a", "b"]
    assert len(content["logprobs"][0]["top_logprobs"]) == 1
    told = events((await client.post(PATH, body | {"stream": True})).body)
    deltas = [event for event in told if event["type"] == "response.output_text.delta"]
    assert [event["logprobs"][0]["token"] for event in deltas] == ["a", "b"]
    await engine.close()


async def test_a_failure_on_the_way_is_told(client: Client, engine: SteppedEngine) -> None:
    engine.fail_after = (1, EngineRestarted("The engine died."))
    reply = await client.post(PATH, {"input": "ab", "stream": True})
    *_, error, failed = events(reply.body)
    assert (error["type"], error["message"]) == ("error", "The engine died.")
    assert error["error"]["code"] == error["code"] == "server_error"
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "The engine died."}
    kept = (await client.get(f"{PATH}/{failed['response']['id']}")).json
    assert kept["status"] == "failed"
    assert (await client.post(PATH, {"input": "ab"})).status == 503


async def test_cancelling_a_stream_ends_it_with_what_it_has(
    stepped_client: Client, stepped: SteppedEngine
) -> None:
    async with stepped_client.open("POST", PATH, {"input": "ab", "stream": True}) as exchange:
        first = await exchange.next() or b""
        name = events(first)[0]["response"]["id"]
        stepped.allow(1)
        while b"output_text.delta" not in (await exchange.next() or b""):
            pass
        assert (await stepped_client.get(f"{PATH}/{name}")).json["status"] == "in_progress"
        cancelled = (await stepped_client.post(f"{PATH}/{name}/cancel")).json
        assert cancelled["status"] == "cancelled"
        assert cancelled["output"][0]["content"][0]["text"] == "<"
        assert events(await exchange.all())[-1]["response"]["status"] == "cancelled"
    again = await stepped_client.post(f"{PATH}/{name}/cancel")
    assert again.status == 400
    assert (await stepped_client.post(f"{PATH}/resp_none/cancel")).status == 404


async def test_a_client_that_leaves_ends_it(stepped_client: Client, stepped: SteppedEngine) -> None:
    async with stepped_client.open("POST", PATH, {"input": "ab", "stream": True}) as exchange:
        name = events(await exchange.next() or b"")[0]["response"]["id"]
    await wait_for(lambda: stepped.num_open == 0)

    async def status() -> str:
        return str((await stepped_client.get(f"{PATH}/{name}")).json["status"])

    while (now := await status()) == "in_progress":
        pass
    assert now == "cancelled"


async def test_pages_of_input_items(client: Client) -> None:
    talk = [{"role": "user", "content": str(number)} for number in range(5)]
    name = (await client.post(PATH, {"input": talk})).json["id"]

    async def page(query: str) -> tuple[list[str], bool]:
        answer = (await client.get(f"{PATH}/{name}/input_items{query}")).json
        texts = [item["content"][0]["text"] for item in answer["data"]]
        return texts, answer["has_more"]

    assert await page("") == (["4", "3", "2", "1", "0"], False)
    assert await page("?order=asc&limit=2") == (["0", "1"], True)
    first = (await client.get(f"{PATH}/{name}/input_items?order=asc&limit=2")).json
    assert await page(f"?order=asc&limit=2&after={first['last_id']}") == (["2", "3"], True)
    assert (await client.get(f"{PATH}/{name}/input_items?limit=0")).status == 400


async def test_tokens_of_a_body_are_counted(client: Client) -> None:
    body = {"input": "hi", "instructions": "be brief"}
    count = (await client.post(f"{PATH}/input_tokens", body)).json
    used = (await client.post(PATH, body)).json["usage"]["input_tokens"]
    assert count == {"object": "response.input_tokens", "input_tokens": used}
