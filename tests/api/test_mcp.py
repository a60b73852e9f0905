"""Coblyn's tools, asked by the official client over both transports."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client as McpClient
from mcp import StdioServerParameters

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import FakeRunner
from coblyn.errors import CoblynError, SettingsError
from coblyn.keys.key import ApiKey, hash_of
from coblyn.mcp.remote import RemoteBackend
from factories import SteppedEngine, wait_for
from live_server import serve

KEY = "cb-phone-0123456789"
LOG = "foo.c:3:10: fatal error: zlib.h: No such file or directory\ncompilation terminated.\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(FakeRunner) as url:
        yield url


def connected(transport: str, url: str) -> McpClient:
    """A client of the server, directly or through the program that speaks over standard input and output."""
    if transport == "http":
        return McpClient(f"{url}/mcp")
    command = ["-m", "coblyn", "mcp", "--url", url]
    return McpClient(StdioServerParameters(command=sys.executable, args=command))


@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_every_tool(transport: str, url: str) -> None:
    async with connected(transport, url) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"generate", "tokenize", "models", "doctor"}
        assert all(tool.description for tool in tools.values())
        assert tools["generate"].input_schema["required"] == ["prompt"]

        async def ask(name: str, **arguments: Any) -> Any:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result
            return result.structured_content

        written = await ask("generate", prompt="Who knocks?", system="Be brief.", max_tokens=8)
        assert (written["text"], written["reason"], written["model"]) == (
            "The lamp",
            "length",
            "fake",
        )
        assert written["completion_tokens"] == 8
        stopped = await ask("generate", prompt="x", stop=["went"], temperature=0.0)
        assert (stopped["text"], stopped["reason"]) == ("The lamp ", "stop")
        assert await ask("tokenize", text="é<end>") == {
            "count": 7,
            "ids": list("é<end>".encode()),
        }
        assert (await ask("models"))["result"] == [{"name": "fake", "context": 4096}]
        found = await ask("doctor", log=LOG)
        assert found["failed"]
        assert "zlib" in json.dumps(found["findings"])
        for name, arguments in (
            ("generate", {"prompt": "x", "max_tokens": 0}),
            ("generate", {"prompt": "x" * 9000}),
            ("doctor", {"log": ""}),
        ):
            refused = await client.call_tool(name, arguments)
            assert refused.is_error, name
        assert "log" in str(refused.content)


def request(**arguments: Any) -> dict[str, Any]:
    """A call of ``generate`` as it is on the wire."""
    params = {"name": "generate", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


HEADERS = {
    "accept": "application/json, text/event-stream",
    "content_type": "application/json",
    "x_api_key": KEY,
}


async def test_the_work_ends_when_the_client_leaves(stepped: SteppedEngine) -> None:
    app = create_app(stepped)
    async with app.router.lifespan_context(app):
        body = request(prompt="ab")
        async with Client(app).open("POST", "/mcp", body, **HEADERS) as exchange:
            await wait_for(lambda: stepped.num_open == 1)
            await exchange.hang_up()
        await wait_for(lambda: stepped.num_open == 0)


async def test_it_is_asked_on_behalf_of_a_key(engine: SteppedEngine) -> None:
    def keys() -> tuple[ApiKey, ...]:
        return (ApiKey(name="phone", hash=hash_of(KEY.encode()), requests_per_minute=1),)

    app = create_app(engine, ApiOptions(keys=keys))
    client = Client(app, ("192.0.2.7", 1))
    async with app.router.lifespan_context(app):
        assert (await client.post("/mcp", request(prompt="ab"), x_api_key="no")).status == 401
        first = (await client.post("/mcp", request(prompt="ab"), **HEADERS)).json["result"]
        assert not first.get("isError")
        second = (await client.post("/mcp", request(prompt="ab"), **HEADERS)).json["result"]
        assert second["isError"]
        assert "1 requests per minute" in str(second)
        for wrong in (b"{", b"[]", b'{"jsonrpc": "2.0"}', b"[" * 5000):
            assert 400 <= (await client.post("/mcp", wrong, **HEADERS)).status < 500
        assert (await client.get("/mcp", **HEADERS)).status == 405
        big = b'"' + b"a" * (33 << 20)
        assert (await client.post("/mcp", big, **HEADERS)).status == 413


async def test_a_server_that_is_not_there() -> None:
    async with RemoteBackend("http://127.0.0.1:9") as backend:
        with pytest.raises(SettingsError, match="coblyn serve"):
            await backend.models()


async def test_a_server_that_refuses(url: str) -> None:
    async with RemoteBackend(f"{url}/docs/nothing") as backend:
        with pytest.raises(CoblynError):
            await backend._send("GET", "/neither")


@pytest.mark.parametrize("declared", ["text/plain", "application/x-www-form-urlencoded", "*/*", ""])
async def test_declared_types_do_not_matter_and_the_answer_has_one(
    engine: SteppedEngine, declared: str
) -> None:
    app = create_app(engine)
    async with app.router.lifespan_context(app):
        headers = {"accept": declared, "content_type": declared}
        answer = await Client(app).post("/mcp", request(prompt="ab"), **headers)
        assert (answer.status, answer.json["id"]) == (200, 1)
        assert answer.headers["content-type"] == "application/json"
