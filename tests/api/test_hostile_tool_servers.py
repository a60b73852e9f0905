"""Tool servers that misbehave: the error says how, the program ends, and memory stays bounded."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import tool_program
from coblyn.errors import SettingsError
from coblyn.mcp import address, process, said
from coblyn.mcp.pace import Pace
from coblyn.mcp.process import MAX_LINE
from coblyn.mcp.server_file import ToolServer, read_servers
from coblyn.mcp.tool_servers import ToolFailed, ToolLimits, ToolServers
from factories import wait_for

PROGRAM = str(Path(__file__).parents[1] / "hostile_tool_program.py")
MARK = f"of-{os.getpid()}"
"""Tells the programs of this process from those of tests that run beside it."""
LIMITS = ToolLimits(seconds=60.0, start_seconds=60.0)

Make = Callable[..., ToolServers]


@pytest.fixture
async def made() -> AsyncIterator[Make]:
    servers: list[ToolServers] = []

    def make(kind: str, limits: ToolLimits = LIMITS) -> ToolServers:
        server = ToolServer("bad", command=(sys.executable, PROGRAM, kind, MARK))
        servers.append(ToolServers([server], limits))
        return servers[-1]

    yield make
    for each in servers:
        await each.close()
    assert not programs()


def programs() -> list[psutil.Process]:
    """Those that run, also if the process that started them has ended."""
    found = []
    for each in psutil.process_iter():
        try:
            found += [each] if MARK in each.cmdline() else []
        except psutil.Error:
            continue
    return found


async def test_what_a_program_has_started_ends_with_it(made: Make) -> None:
    servers = made("parent")
    await servers.tools("bad")
    assert len(programs()) == 2
    await servers.close()
    assert not programs()


async def test_a_line_without_end_fills_no_memory(made: Make) -> None:
    before = psutil.Process().memory_info().rss
    servers = made("endless")
    with pytest.raises(ToolFailed, match="16 MiB without a line end"):
        await servers.call("bad", "weather", {})
    assert psutil.Process().memory_info().rss - before < 12 * MAX_LINE
    await wait_for(lambda: not programs(), 20.0)


async def test_a_line_without_end_before_anything_else(made: Make) -> None:
    with pytest.raises(ToolFailed, match="16 MiB without a line end"):
        await made("endless at once").tools("bad")
    await wait_for(lambda: not programs(), 20.0)


async def test_a_result_that_is_too_large_is_refused(made: Make) -> None:
    with pytest.raises(ToolFailed, match="16 MiB without a line end"):
        await made("huge").call("bad", "weather", {})


async def test_a_program_that_never_answers_is_given_up(made: Make) -> None:
    with pytest.raises(ToolFailed, match="did not start within 1 seconds"):
        await made("mute", ToolLimits(start_seconds=1.0)).tools("bad")


async def test_lines_that_are_no_messages_are_passed_over(made: Make) -> None:
    servers = made("garbage")
    assert (await servers.call("bad", "weather", {"city": "Bonn"})).text.startswith("Rain in Bonn")


async def test_of_many_tools_those_with_proper_names_are_taken_once(
    made: Make, caplog: pytest.LogCaptureFixture
) -> None:
    found = await made("many").tools("bad")
    assert [tool.name for tool in found] == [f"tool{i}" for i in range(1000)]
    assert "'<tool_call>'" in caplog.text
    assert "'tool7'" in caplog.text


async def test_a_list_of_tools_without_end_is_cut(
    made: Make, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(await made("pages").tools("bad")) == 1024
    assert "tools after the first 1024 are left out" in caplog.text


def paced(monkeypatch: pytest.MonkeyPatch, module: Any, burst: float, rate: float) -> list[float]:
    """What is taken from the paces that a module makes from now on."""
    taken: list[float] = []

    class Recorded(Pace):
        def take(self, amount: float) -> float:
            taken.append(amount)
            return super().take(amount)

    monkeypatch.setattr(module, "messages_pace", lambda: Recorded(burst, rate))
    return taken


async def test_a_flood_of_messages_is_read_slowly_and_disturbs_nobody(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = paced(monkeypatch, process, burst=20.0, rate=0.01)
    servers, others = made("notes", ToolLimits(seconds=2.0)), made("garbage")
    call = asyncio.create_task(servers.call("bad", "weather", {}))
    with pytest.raises(ToolFailed, match="did not answer within 2 seconds"):
        await call
    assert 10 < len(taken) <= 22, "after the allowance it stands still"
    assert not (await others.call("bad", "weather", {"city": "Bonn"})).is_error


async def test_several_that_misbehave_at_once_disturb_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = paced(monkeypatch, process, burst=50.0, rate=0.01)
    kinds = ("notes", "notes", "asks", "asks", "deaf", "garbage")
    names = [f"{kind}{place}" for place, kind in enumerate(kinds)]
    listed = [
        ToolServer(name, command=(sys.executable, PROGRAM, kind, MARK))
        for name, kind in zip(names, kinds, strict=True)
    ]
    servers = ToolServers(listed, ToolLimits(seconds=5.0, start_seconds=60.0))
    try:
        assert {each.server for each in await servers.all_tools()} == set(names)
        before, num_taken = psutil.Process().memory_info().rss, len(taken)
        *bad, good = names
        arguments = {"city": "x" * (1 << 20)}
        calls = [asyncio.create_task(servers.call(each, "weather", arguments)) for each in bad]
        while not all(each.done() for each in calls):
            assert "Rain in Bonn" in (await servers.call(good, "weather", {"city": "Bonn"})).text
            await asyncio.sleep(0.25)
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in found] == [ToolFailed] * len(bad)
        assert len(taken) - num_taken < 50 * len(names), "each stands still after its allowance"
        assert psutil.Process().memory_info().rss - before < 64 << 20
    finally:
        await servers.close()
    assert not programs()


async def test_a_program_that_does_not_read_the_answers_is_given_up(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced(monkeypatch, process, burst=1e9, rate=1e9)
    with pytest.raises(ToolFailed, match="sends requests without reading the answers"):
        await made("asks").call("bad", "weather", {})
    await wait_for(lambda: not programs(), 20.0)


async def test_calls_of_a_program_that_does_not_read_end_in_time(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp.shared import jsonrpc_dispatcher

    monkeypatch.setattr(jsonrpc_dispatcher, "_ABANDON_WRITE_TIMEOUT", 600.0)
    servers = made("deaf", ToolLimits(seconds=1.0))
    await servers.tools("bad")
    calls = [servers.call("bad", "weather", {"city": "x" * size}) for size in (1, 1 << 20, 1)]
    found = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 30.0)
    assert {str(each) for each in found} == {"The tool server bad did not answer within 1 seconds."}


async def test_a_call_that_nobody_waits_for_any_more_is_left_at_once(
    made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp.shared import jsonrpc_dispatcher

    monkeypatch.setattr(jsonrpc_dispatcher, "_ABANDON_WRITE_TIMEOUT", 600.0)
    servers = made("deaf")
    await servers.tools("bad")
    calls = [
        asyncio.create_task(servers.call("bad", "weather", {"city": "x" * size}))
        for size in (1, 1 << 20)
    ]
    await asyncio.sleep(0.5)
    for each in calls:
        each.cancel()
    done, left = await asyncio.wait(calls, timeout=30.0)
    assert len(done) == 2
    assert not left


def test_a_flood_of_errors_is_read_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(said.time, "sleep", waits.append)
    with said.kept_in(tmp_path / "tools.log") as stream:
        for _ in range(40):
            stream.write("x" * (1 << 20))
    assert sum(waits) > 40.0, "16 MiB at once, the rest at 1 MiB a second"


@pytest.mark.parametrize("name", ["a__b", "a_", "_"])
def test_names_of_servers_leave_no_doubt_whose_a_tool_is(tmp_path: Path, name: str) -> None:
    file = tmp_path / "servers.json"
    file.write_text(f'{{"mcpServers": {{"{name}": {{"command": "x"}}}}}}')
    with pytest.raises(SettingsError, match="underscore"):
        read_servers(file)


JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EVENTS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    """The address of a server that answers so; what it has not ended by then ends with it."""
    answers: set[asyncio.Future[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.add(answered := asyncio.ensure_future(answer(reader, writer)))
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await answered
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        for each in answers:
            each.cancel()
        await asyncio.gather(*answers, return_exceptions=True)


@asynccontextmanager
async def answering(head: bytes, begin: bytes, rest: bytes) -> AsyncIterator[str]:
    """The address of a server whose answers have an end no client has seen."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"Connection: close\r\n\r\n" + begin)
        while True:
            writer.write(rest)
            await writer.drain()

    async with listening(answer) as url:
        yield url


async def test_a_stream_of_events_without_end_is_read_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = paced(monkeypatch, address, burst=100.0, rate=0.01)
    note = b'data: {"jsonrpc": "2.0", "method": "notifications/message"}\n\n'
    async with answering(EVENTS_HEAD, b"", note * 50) as url:
        servers = ToolServers([ToolServer("bad", url=url)], ToolLimits(start_seconds=2.0))
        try:
            with pytest.raises(ToolFailed, match="did not start within 2 seconds"):
                await servers.tools("bad")
        finally:
            await servers.close()
    assert taken
    assert sum(taken) < 100_000, "a part more than the allowance of each stream"


@asynccontextmanager
async def leaving(reopens: list[bytes]) -> AsyncIterator[str]:
    """A server whose stream of messages always ends at once, to be opened again at once, and who says no goodbye."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        verb, length = head.split()[0], head.lower().partition(b"content-length: ")[2]
        body = await reader.readexactly(int(length.split()[0])) if length else b"{}"
        if verb == b"DELETE":
            await asyncio.Event().wait()
        if verb == b"GET":
            reopens.append(verb)
            writer.write(EVENTS_HEAD + b"Connection: close\r\n\r\nretry: 0\nid: 1\ndata:\n\n")
        else:
            writer.write(spoken(json.loads(body)))
        await writer.drain()

    async with listening(answer) as url:
        yield url


def spoken(request: dict[str, Any]) -> bytes:
    """What a proper server answers, in a session."""
    if "id" not in request:
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    found = tool_program.result(request["method"], request.get("params") or {})
    rest = {"result": found} if found else {"error": {"code": -32601, "message": "No."}}
    body = json.dumps({"jsonrpc": "2.0", "id": request["id"], **rest}).encode()
    return JSON_HEAD + b"Mcp-Session-Id: s\r\nConnection: close\r\n\r\n" + body


async def test_streams_are_opened_again_slowly_and_leaving_takes_no_goodbye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced(monkeypatch, address, burst=20.0, rate=0.01)
    monkeypatch.setattr(address, "_FAREWELL_SECONDS", 0.1)
    reopens: list[bytes] = []
    async with leaving(reopens) as url:
        servers = ToolServers([ToolServer("bad", url=url)], LIMITS)
        assert "Rain in Rom" in (await servers.call("bad", "weather", {"city": "Rom"})).text
        await wait_for(lambda: len(reopens) > 5, 20.0)
        await asyncio.sleep(1.0)
        assert len(reopens) <= 20
        monkeypatch.setattr(Pace, "take", lambda *_: 0.0)
        await asyncio.wait_for(servers.close(), 5.0)


@pytest.mark.parametrize(
    ("head", "begin", "rest", "message"),
    [
        (JSON_HEAD, b'{"jsonrpc": "2.0", "id": 0, "result": "', b"x" * 65536, "longer than 16 MiB"),
        (EVENTS_HEAD, b"event: message\ndata: ", b"x" * 65536, "exceeded the 16777216 byte limit"),
        (
            EVENTS_HEAD,
            b"event: message\n",
            b"data: %b\n" % (b"x" * 8192),
            "exceeded the 16777216 byte limit",
        ),
        (JSON_HEAD + b"Content-Encoding: gzip\r\n", b"", b"x" * 65536, "compressed"),
    ],
    ids=["json", "line", "lines", "compressed"],
)
async def test_an_answer_without_end_fills_no_memory(
    head: bytes, begin: bytes, rest: bytes, message: str
) -> None:
    before = psutil.Process().memory_info().rss
    async with answering(head, begin, rest) as url:
        servers = ToolServers([ToolServer("bad", url=url)], LIMITS)
        try:
            with pytest.raises(ToolFailed, match=message):
                await servers.tools("bad")
        finally:
            await servers.close()
    assert psutil.Process().memory_info().rss - before < 12 * MAX_LINE
