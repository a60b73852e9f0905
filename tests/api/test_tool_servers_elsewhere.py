"""Tools of tool servers in Ollama's chats and Anthropic's messages, where they run without a question or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest

from api.test_tool_servers import HEAD, HERMES, OPTIONS, TOOL, Caller, call_of, client_of
from asgi import Client
from coblyn.api.anthropic.conversation import read_conversation
from coblyn.mcp.server_file import ToolServer
from live_server import serve

CHAT, MESSAGES = "/api/chat", "/v1/messages"
RAIN, OSLO = "Rain in Oslo.\n[image: image/png]", {"city": "Oslo"}
QUESTION = {"role": "user", "content": "Oslo?"}
OWN = {"type": "function", "function": {"name": "own", "parameters": {"type": "object"}}}


def meaning(block: dict[str, Any]) -> list[Any]:
    """What a block says, without ids."""
    return [block.get(key) for key in ("type", "text", "name", "server_name", "input", "is_error")]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with client_of(Caller) as client:
        yield client


class Dying(Caller):
    """Calls a tool whose server dies of it."""

    first = f"{HEAD}Wait.\n{call_of('die')}"


class Mixed(Caller):
    """Calls a tool of the server and one of the client."""

    first = (
        f"{HEAD}Wait.\n{call_of('weather', city='Oslo')}\n"
        '<tool_call>\n{"name": "own", "arguments": {}}\n</tool_call>'
    )


class TestOllama:
    body: dict[str, Any] = {"model": "fake", "messages": [QUESTION], "tools": [TOOL]}  # noqa: RUF012

    async def test_a_tool_runs_and_the_model_goes_on_with_its_result(self, client: Client) -> None:
        whole = (await client.post(CHAT, {**self.body, "stream": False})).json
        assert whole["message"]["content"] == "Wait.\n\nTake an umbrella."
        assert "tool_calls" not in whole["message"], "the client has nothing to run"
        assert whole["done_reason"] == "stop"
        assert whole["eval_count"] > len(Caller.first), "both rounds are counted"
        reply = await client.post(CHAT, self.body)
        *lines, last = [json.loads(line) for line in reply.body.splitlines()]
        assert "".join(line["message"]["content"] for line in lines) == whole["message"]["content"]
        assert not any("tool_calls" in line["message"] for line in lines)
        assert (last["done"], last["eval_count"]) == (True, whole["eval_count"])

    @pytest.mark.parametrize("stream", [False, True])
    async def test_calls_of_the_clients_own_tools_end_the_answer(self, stream: bool) -> None:
        async with client_of(Mixed) as client:
            body = {**self.body, "tools": [TOOL, OWN], "stream": stream}
            lines = [json.loads(line) for line in (await client.post(CHAT, body)).body.splitlines()]
        calls = [call for line in lines for call in line["message"].get("tool_calls", ())]
        assert [call["function"]["name"] for call in calls] == ["own"]
        assert calls[0]["function"]["index"] == 0

    async def test_a_server_that_dies_is_a_result_for_the_model(self) -> None:
        async with client_of(Dying) as client:
            reply = await client.post(CHAT, {**self.body, "stream": False})
        assert reply.status == 200
        assert reply.json["message"]["content"] == "Wait.\n\nTake an umbrella."

    async def test_a_server_that_does_not_start_is_said(self) -> None:
        broken = ToolServer("sky", command=(sys.executable, "-c", "raise SystemExit(3)"))
        async with client_of(Caller, broken) as client:
            for path, body in ((CHAT, self.body), (MESSAGES, TestAnthropic.body)):
                reply = await client.post(path, body)
                assert reply.status == 502
                assert "sky" in json.dumps(reply.json["error"])

    async def test_tools_that_need_approval_are_left_out_and_named(self, client: Client) -> None:
        asking = {key: value for key, value in TOOL.items() if key != "require_approval"}
        body = {**self.body, "tools": [asking], "stream": False}
        reply = await client.post(CHAT, body)
        assert reply.headers["x-coblyn-warnings"] == "tools"
        unknown = await client.post(
            CHAT, {**self.body, "tools": [{"type": "mcp", "server_label": "x"}]}
        )
        assert unknown.status == 200
        assert unknown.headers["x-coblyn-warnings"] == "tools[0]"


class TestAnthropic:
    body: dict[str, Any] = {  # noqa: RUF012
        "max_tokens": 500,
        "messages": [QUESTION],
        "tools": [
            {"type": "mcp_toolset", "mcp_server_name": "sky", "require_approval": "never"},
        ],
    }

    async def test_a_tool_runs_and_the_model_goes_on_with_its_result(self, client: Client) -> None:
        answer = (await client.post(MESSAGES, self.body)).json
        kinds = [block["type"] for block in answer["content"]]
        assert kinds == ["text", "mcp_tool_use", "mcp_tool_result", "text"]
        said, use, result, end = answer["content"]
        assert (said["text"], end["text"]) == ("Wait.", "Take an umbrella.")
        assert (use["server_name"], use["name"], use["input"]) == ("sky", "weather", OSLO)
        assert (result["tool_use_id"], result["is_error"]) == (use["id"], False)
        assert result["content"] == [{"type": "text", "text": RAIN}]
        assert answer["stop_reason"] == "end_turn"
        assert answer["usage"]["output_tokens"] > len(Caller.first), "both rounds are counted"

    async def test_a_stream_says_the_same_to_its_own_client(self, client: Client) -> None:
        whole = (await client.post(MESSAGES, self.body)).json
        with serve(lambda: Caller(chat_template=HERMES, repeats=False), options=OPTIONS) as url:
            sdk = anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0)
            async with sdk, sdk.beta.messages.stream(model="fake", **self.body) as stream:
                message = await stream.get_final_message()
        told = [block.to_dict() for block in message.content]
        assert list(map(meaning, told)) == list(map(meaning, whole["content"]))
        assert told[1]["id"] == told[2]["tool_use_id"]
        assert message.usage.output_tokens == whole["usage"]["output_tokens"]
        assert message.stop_reason == "end_turn"

    async def test_what_ran_is_sent_back_as_calls_and_results(self, client: Client) -> None:
        answer = (await client.post(MESSAGES, self.body)).json
        said = {"role": "assistant", "content": answer["content"]}
        turns = read_conversation(None, [QUESTION, said, QUESTION])
        assert [turn.role for turn in turns] == ["user", "assistant", "tool", "assistant", "user"]
        assert turns[1].tool_calls[0].name == turns[2].name == "sky__weather"
        assert turns[2].content == RAIN

    @pytest.mark.parametrize("field", ["name", "server_name"])
    @pytest.mark.parametrize("value", [None, "", 1, ["sky"]])
    async def test_calls_that_name_no_tool_are_refused(
        self, client: Client, field: str, value: Any
    ) -> None:
        use = {"type": "mcp_tool_use", "id": "a", "name": "weather", "server_name": "sky"}
        said = {"role": "assistant", "content": [{**use, "input": {}, field: value}]}
        reply = await client.post(MESSAGES, {**self.body, "messages": [QUESTION, said, QUESTION]})
        assert reply.status == 400
        assert f"messages[1].content[0].{field}" in reply.json["error"]["message"]

    @pytest.mark.parametrize(
        ("config", "is_on"),
        [
            ({"default_config": {"enabled": False}}, False),
            ({"configs": {"weather": {"enabled": False}}}, False),
            (
                {"default_config": {"enabled": False}, "configs": {"weather": {"enabled": True}}},
                True,
            ),
            ({"default_config": None, "configs": {"die": None}}, True),
        ],
    )
    async def test_tools_of_a_set_are_switched(
        self, client: Client, config: dict[str, Any], is_on: bool
    ) -> None:
        body = {**self.body, "tools": [{**self.body["tools"][0], **config}]}
        answer = (await client.post(MESSAGES, body)).json
        assert ("weather" in [block.get("name") for block in answer["content"]]) is is_on

    async def test_tools_of_a_set_are_counted(self, client: Client) -> None:
        counted = [
            (await client.post(f"{MESSAGES}/count_tokens", {**self.body, "tools": tools})).json
            for tools in (self.body["tools"], [])
        ]
        assert counted[0]["input_tokens"] > counted[1]["input_tokens"]

    @pytest.mark.parametrize("config", [{"configs": 1}, {"default_config": []}])
    async def test_wrong_switches_are_refused(self, client: Client, config: Any) -> None:
        body = {**self.body, "tools": [{**self.body["tools"][0], **config}]}
        reply = await client.post(MESSAGES, body)
        assert reply.status == 400
        assert f"tools[0].{next(iter(config))}" in reply.json["error"]["message"]

    @pytest.mark.parametrize("name", [["sky"], {"sky": 1}, 1, None])
    async def test_names_that_are_none_are_left_out_and_named(
        self, client: Client, name: Any
    ) -> None:
        body = {**self.body, "tools": [{**self.body["tools"][0], "mcp_server_name": name}]}
        for path in (MESSAGES, f"{MESSAGES}/count_tokens"):
            reply = await client.post(path, body)
            assert reply.status == 200
            assert reply.headers["x-coblyn-warnings"] == "tools[0]"

    async def test_a_server_that_dies_is_a_result_for_the_model(self) -> None:
        async with client_of(Dying) as client:
            answer = (await client.post(MESSAGES, self.body)).json
        result = answer["content"][2]
        assert (result["type"], result["is_error"]) == ("mcp_tool_result", True)
        assert "sky" in result["content"][0]["text"]
        assert answer["content"][-1]["text"] == "Take an umbrella."

    async def test_sets_that_are_not_here_or_need_approval_are_left_out(
        self, client: Client
    ) -> None:
        for tool, named in (
            ({"type": "mcp_toolset", "mcp_server_name": "x"}, "tools[0]"),
            ({"type": "mcp_toolset", "mcp_server_name": "sky"}, "tools"),
        ):
            reply = await client.post(MESSAGES, {**self.body, "tools": [tool]})
            assert reply.status == 200
            assert reply.headers["x-coblyn-warnings"] == named
