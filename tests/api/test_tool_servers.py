"""Tool servers: programs and addresses whose tools a model may call, run here, and asked about before."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from mcp import Client as McpClient

from api.test_responses import events
from api.test_tools import HERMES
from asgi import Client
from coblyn import paths
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.masks import Words
from coblyn.engine.plan import Row, Sampled
from coblyn.errors import BadRequest, SettingsError
from coblyn.mcp.said import MAX_BYTES, kept_in
from coblyn.mcp.server_file import ToolServer, read_servers
from coblyn.mcp.tool_servers import ToolFailed, ToolLimits, ToolServers
from factories import wait_for
from live_server import serve

PROGRAM = str(Path(__file__).parents[1] / "tool_program.py")
SERVER = ToolServer("sky", command=(sys.executable, PROGRAM), allowed=frozenset({"break"}))
TOOL = {"type": "mcp", "server_label": "sky", "require_approval": "never"}
HEAD = "<think></think>"


def call_of(name: str, **arguments: str) -> str:
    inner = json.dumps({"name": f"sky__{name}", "arguments": arguments})
    return f"<tool_call>\n{inner}\n</tool_call>"


class Caller(FakeRunner):
    """Calls a tool until a result stands in its prompt."""

    first = f"{HEAD}Wait.\n{call_of('weather', city='Oslo')}"

    def _sample(self, row: Row, words: Words | None = None) -> Sampled:
        ids = self._requests[row.request_id].prompt.ids
        has_result = b"[tool]" in bytes(token for token in ids if token < 256)
        self.script = f"{HEAD}Take an umbrella." if has_result else self.first
        return super()._sample(row, words)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with client_of(Caller) as client:
        yield client


class client_of:  # noqa: N801 - reads as a function
    """A server whose model calls tools, and its tool server."""

    def __init__(self, runner: type[FakeRunner], *servers: ToolServer, **limits: float) -> None:
        self._engine = LocalEngine(lambda: runner(chat_template=HERMES, repeats=False))
        limit = ToolLimits(**limits)  # type: ignore[arg-type]
        options = ApiOptions(tool_servers=servers or (SERVER,), tool_limits=limit)
        self._app = create_app(self._engine, options)
        self._living = self._app.router.lifespan_context(self._app)

    async def __aenter__(self) -> Client:
        await self._living.__aenter__()
        return Client(self._app)

    async def __aexit__(self, *_: object) -> None:
        await self._living.__aexit__(None, None, None)
        await self._engine.close()


async def ask(client: Client, **body: Any) -> dict[str, Any]:
    reply = await client.post("/v1/responses", {"input": "Oslo?", "tools": [TOOL], **body})
    assert reply.status == 200, reply.json
    found: dict[str, Any] = reply.json
    return found


async def test_koboldai_lite_is_told_that_there_are_tools() -> None:
    async with client_of(Caller) as client:
        assert (await client.get("/api/extra/version")).json["mcp"] is True


async def test_a_tool_runs_and_the_model_goes_on_with_its_result(client: Client) -> None:
    answer = await ask(client)
    kinds = [item["type"] for item in answer["output"]]
    assert kinds == ["mcp_list_tools", "message", "mcp_call", "message"]
    listed, _, call, said = answer["output"]
    names = ["weather", "break", "die", "sleep", "ramble", "flood"]
    assert [tool["name"] for tool in listed["tools"]] == names, "all pages of the list"
    assert listed["tools"][0]["annotations"] == {"read_only_hint": True}
    assert (call["status"], call["error"]) == ("completed", None)
    assert call["output"] == "Rain in Oslo.\n[image: image/png]"
    assert json.loads(call["arguments"]) == {"city": "Oslo"}
    assert said["content"][0]["text"] == "Take an umbrella."
    assert answer["status"] == "completed"
    assert answer["usage"]["output_tokens"] > len(Caller.first), "both rounds are counted"


async def test_a_stream_tells_every_event_in_order(client: Client) -> None:
    body = {"input": "Oslo?", "tools": [TOOL], "stream": True}
    told = events((await client.post("/v1/responses", body)).body)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    kinds = [event["type"].removeprefix("response.") for event in told]
    once = [kind for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]
    message = [
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done",
    ]  # fmt: skip
    assert once == [
        "created", "in_progress",
        "output_item.added", "mcp_list_tools.in_progress", "mcp_list_tools.completed",
        "output_item.done",
        *message,
        "output_item.added", "mcp_call.in_progress", "mcp_call_arguments.delta",
        "mcp_call_arguments.done", "mcp_call.completed", "output_item.done",
        *message,
        "completed",
    ]  # fmt: skip
    places = [event["output_index"] for event in told if event["type"].endswith("item.added")]
    assert places == [0, 1, 2, 3]


@pytest.mark.parametrize(("approve", "outcome"), [(True, "Rain in Oslo."), (False, "not allow")])
async def test_a_call_waits_until_it_is_allowed(
    client: Client, approve: bool, outcome: str
) -> None:
    asked = await ask(client, tools=[{**TOOL, "require_approval": "always"}])
    question = asked["output"][-1]
    assert question["type"] == "mcp_approval_request"
    assert (question["name"], question["server_label"]) == ("weather", "sky")
    answer = {"type": "mcp_approval_response", "approve": approve}
    answer["approval_request_id"] = question["id"]
    done = await ask(client, input=[answer], previous_response_id=asked["id"])
    kinds = [item["type"] for item in done["output"]]
    if approve:
        assert kinds == ["mcp_call", "message"]
        assert outcome in done["output"][0]["output"]
        assert done["output"][0]["approval_request_id"] == question["id"]
    else:
        assert kinds == ["message"], "it did not run, and the model knows"
    assert done["output"][-1]["content"][0]["text"] == "Take an umbrella."


async def test_an_answer_to_no_question_is_refused(client: Client) -> None:
    answer = {"type": "mcp_approval_response", "approve": True, "approval_request_id": "mcpr_1"}
    reply = await client.post("/v1/responses", {"input": [answer], "tools": [TOOL]})
    assert reply.status == 400
    assert "approval_request_id" in reply.json["error"]["param"]


@pytest.mark.parametrize(
    ("rule", "asks"),
    [
        (None, True),
        ("never", False),
        ({"never": {"tool_names": ["weather"]}}, False),
        ({"always": {"tool_names": ["weather"]}}, True),
        ({"always": {"tool_names": ["die"]}}, False),
    ],
)
async def test_which_tools_are_asked_about(client: Client, rule: Any, asks: bool) -> None:
    answer = await ask(client, tools=[{**TOOL, "require_approval": rule}])
    kinds = {item["type"] for item in answer["output"]}
    assert ("mcp_approval_request" in kinds) is asks
    assert ("mcp_call" in kinds) is not asks


class Breaker(Caller):
    first = f"{HEAD}{call_of('break')}"


async def test_what_goes_wrong_is_told_to_the_model() -> None:
    async with client_of(Breaker) as client:
        call = (await ask(client, tools=[{**TOOL, "require_approval": None}]))["output"][1]
        assert (call["status"], call["error"], call["output"]) == ("failed", "It is broken.", None)


async def test_tools_that_were_not_asked_for_do_not_run(client: Client) -> None:
    tools = [{**TOOL, "allowed_tools": ["ramble"]}]
    answer = await ask(client, tools=tools)
    listed, *others = answer["output"]
    assert [tool["name"] for tool in listed["tools"]] == ["ramble"]
    names = {item["name"] for item in others if item["type"] == "mcp_call"}
    assert names == {"ramble"}, (
        "a call fits the tools of the request, whatever the model would rather write"
    )


class Endless(Caller):
    """Calls a tool whatever it is told."""

    def _sample(self, row: Row, words: Words | None = None) -> Sampled:
        self.script = self.first
        return FakeRunner._sample(self, row, words)


async def test_calls_have_a_limit() -> None:
    async with client_of(Endless) as client:
        answer = await ask(client, max_tool_calls=2)
    calls = [item for item in answer["output"] if item["type"] == "mcp_call"]
    assert [call["status"] for call in calls[:2]] == ["completed", "completed"]
    assert all(call["status"] == "failed" for call in calls[2:])
    assert len(calls) <= 3
    assert answer["status"] == "completed"


async def test_no_call_may_run_at_all(client: Client) -> None:
    answer = await ask(client, max_tool_calls=0)
    calls = [item for item in answer["output"] if item["type"] == "mcp_call"]
    assert calls == []
    assert answer["status"] == "completed"


async def test_functions_of_the_client_stay_where_no_call_may_run(client: Client) -> None:
    function = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    body = {"tools": [TOOL, function], "tool_choice": "required", "max_tool_calls": 0}
    answer = await ask(client, **body)
    kinds = [item["type"] for item in answer["output"]]
    assert "mcp_call" not in kinds
    assert "function_call" in kinds


class Sleeper(Caller):
    first = f"{HEAD}{call_of('sleep')}"


async def test_a_response_that_is_cancelled_while_a_tool_runs_ends_at_once() -> None:
    """The tool would sleep on for a minute."""
    body = {"input": "Oslo?", "tools": [TOOL], "stream": True}
    async with (
        client_of(Sleeper, SERVER, seconds=50.0) as client,
        client.open("POST", "/v1/responses", body) as stream,
    ):
        told = b""
        while b"mcp_call_arguments.done" not in told:
            told += await stream.next() or b""
        name = events(told)[0]["response"]["id"]
        reply = await asyncio.wait_for(client.post(f"/v1/responses/{name}/cancel"), 30.0)
        cancelled = reply.json
    assert cancelled.get("status") == "cancelled", cancelled
    assert "message" not in {item["type"] for item in cancelled["output"]}


async def test_servers_that_are_not_here_are_left_out_with_a_warning(client: Client) -> None:
    tools = [{"type": "mcp", "server_label": "x", "server_url": "http://127.0.0.1:9/mcp"}]
    answer = await ask(client, tools=tools)
    assert "tools[0]" in answer["warnings"]


async def test_a_server_that_cannot_be_reached_is_an_error_before_any_header() -> None:
    gone = ToolServer("sky", command=("/no/such/program",))
    async with client_of(Caller, gone) as client:
        reply = await client.post("/v1/responses", {"input": "Oslo?", "tools": [TOOL]})
    assert reply.status == 502
    assert "tool server sky" in reply.json["error"]["message"]


async def test_the_openai_client_runs_an_approval() -> None:
    with serve(lambda: Caller(chat_template=HERMES, repeats=False), options=OPTIONS) as url:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            tools: Any = [{**TOOL, "server_url": "", "require_approval": "always"}]
            asked = await client.responses.create(model="fake", input="Oslo?", tools=tools)
            question = asked.output[-1]
            assert question.type == "mcp_approval_request"
            said: Any = {
                "type": "mcp_approval_response",
                "approval_request_id": question.id,
                "approve": False,
            }
            done = await client.responses.create(
                model="fake", previous_response_id=asked.id, input=[said], tools=tools
            )
    assert done.output_text == "Take an umbrella."


OPTIONS = ApiOptions(tool_servers=(SERVER,))


# The connections themselves


@pytest.fixture
async def servers() -> AsyncIterator[ToolServers]:
    found = ToolServers([SERVER], ToolLimits(seconds=2.0, max_characters=20))
    yield found
    await found.close()


async def test_a_program_that_dies_is_started_again(servers: ToolServers) -> None:
    with pytest.raises(ToolFailed, match="broke off"):
        await servers.call("sky", "die", {})
    result = await servers.call("sky", "weather", {"city": "Bergen"})
    assert result.text.startswith("Rain in Bergen.")


async def test_a_tool_that_takes_too_long_holds_up_nobody(servers: ToolServers) -> None:
    with pytest.raises(ToolFailed, match="within 2 seconds"):
        await servers.call("sky", "sleep", {})
    result = await servers.call("sky", "weather", {"city": "Bergen"})
    assert result.text.startswith("Rain in Bergen.")


async def test_a_long_result_is_cut_and_says_so(servers: ToolServers) -> None:
    result = await servers.call("sky", "ramble", {})
    assert result.text == "so " * 6 + "so\n[280 further characters were left out]"


async def test_a_program_that_floods_its_log_fills_no_disk(servers: ToolServers) -> None:
    """It says six million characters; what is kept is the newest of it."""
    assert (await servers.call("sky", "flood", {})).text.startswith("Rain in")
    await servers.close()
    kept = sorted(paths.logs().glob("tools-sky.log*"))
    await wait_for(lambda: sum(file.stat().st_size for file in kept) > MAX_BYTES)
    assert len(kept) == 2
    assert sum(file.stat().st_size for file in kept) <= 2 * MAX_BYTES


async def test_what_is_said_is_kept_whole_however_it_arrives(tmp_path: Path) -> None:
    """The log is read in parts, whose ends lie within characters."""
    said, file = "x" + "ä" * 100_000, tmp_path / "sky.log"
    with kept_in(file) as stream:
        await asyncio.to_thread(stream.write, said)
    await wait_for(lambda: file.stat().st_size >= len(said.encode()))
    assert file.read_text("utf-8").count("ä") == 100_000


async def test_unknown_names_are_refused(servers: ToolServers) -> None:
    with pytest.raises(BadRequest, match="sea"):
        await servers.call("sea", "weather", {})
    with pytest.raises(BadRequest, match="sail"):
        await servers.call("sky", "sail", {})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(FakeRunner) as url:
        yield url


async def test_a_server_at_an_address(url: str) -> None:
    """Coblyn's own endpoint is one."""
    servers = ToolServers([ToolServer("self", url=f"{url}/mcp", headers={"x-a": "b"})])
    try:
        assert {tool.full_name for tool in await servers.all_tools()} >= {"self__tokenize"}
        result = await servers.call("self", "tokenize", {"text": "abc"})
        assert json.loads(result.text)["count"] == 3
    finally:
        await servers.close()


async def test_our_own_endpoint_passes_their_tools_on() -> None:
    gone = ToolServer("gone", command=("/no/such/program",))
    marked = ToolServer("sky__high", command=SERVER.command)
    options = ApiOptions(tool_servers=(SERVER, gone, marked))
    with serve(FakeRunner, options=options) as url:
        async with McpClient(f"{url}/mcp") as outer:
            tools = {tool.name: tool for tool in (await outer.list_tools()).tools}
            assert {"generate", "sky__weather"} <= set(tools)
            assert tools["sky__weather"].input_schema["properties"] == {"city": {"type": "string"}}
            result = await outer.call_tool("sky__weather", {"city": "Oslo"})
            assert (result.content[0].type, result.is_error) == ("text", False)
            assert (await outer.call_tool("sky__break", {})).is_error
            assert not (await outer.call_tool("sky__high__weather", {"city": "Oslo"})).is_error


async def test_the_page_can_list_them() -> None:
    gone = ToolServer("gone", command=("/no/such/program",))
    async with client_of(Caller, SERVER, gone) as client:
        sky, other = (await client.get("/api/coblyn/tools")).json["servers"]
    assert [tool["name"] for tool in sky["tools"] if tool["is_allowed"]] == ["break"]
    assert (other["tools"], "cannot be reached" in other["problem"]) == ([], True)


# The file


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "no mcpServers"),
        ("{", "cannot be read"),
        ({"a b": {"command": "x"}}, "letters"),
        ({"a": 1}, "must be an object"),
        ({"a": {}}, "either a command or a url"),
        ({"a": {"command": "x", "url": "http://x"}}, "either a command or a url"),
        ({"a": {"url": "http://x/sse", "type": "sse"}}, "streamable"),
        ({"a": {"command": "x", "args": "y"}}, "a.args must be a list"),
        ({"a": {"command": "x", "env": {"y": 1}}}, "a.env must be an object"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, content: Any, problem: str) -> None:
    path = tmp_path / "mcp.json"
    text = content if isinstance(content, str) else json.dumps({"mcpServers": content})
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=problem):
        read_servers(path)


def test_a_file_as_other_programs_write_it(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    files = {"command": "npx", "args": ["-y", "files", "/notes"], "env": {"KEY": "secret"}}
    web = {"url": "https://example.org/mcp", "headers": {"authorization": "secret"}}
    gone = {"command": "x", "disabled": True}
    entries = {"files": files, "web": {**web, "autoApprove": ["read"]}, "gone": gone}
    path.write_text(json.dumps({"mcpServers": entries}), encoding="utf-8")
    first, second = read_servers(path)
    assert (first.command, first.environment) == (("npx", "-y", "files", "/notes"), files["env"])
    assert (second.url, second.allowed) == ("https://example.org/mcp", {"read"})
    assert "secret" not in f"{first}{second}", "it may come into a log"
