"""Lists the tools of other MCP servers, and calls them within limits."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coblyn import paths
from coblyn.errors import BadRequest, CoblynError
from coblyn.mcp.address import reaching
from coblyn.mcp.process import running
from coblyn.mcp.said import kept_in
from coblyn.mcp.server_file import ToolServer

if TYPE_CHECKING:
    from mcp import Client

__all__ = ["ForeignTool", "ToolFailed", "ToolLimits", "ToolResult", "ToolServers"]

log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""Names of tools by the protocol. Other characters may mean something where models write calls."""

_MAX_PAGES = 32
"""Maximum number of pages in a list of tools."""

_MAX_TOOLS = 1024
"""Maximum number of tools of a server; no model can choose among more."""


class ToolFailed(CoblynError):
    """A tool server cannot be reached, or did not answer in time."""

    code = "tool_failed"
    status = 502


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """Limits of a call.

    Attributes:
        seconds: Maximum duration of a call.
        start_seconds: Maximum time for a server to start and list its tools.
        max_characters: Maximum length of a result; the rest is cut off, with a note for the model.
    """

    seconds: float = 60.0
    start_seconds: float = 30.0
    max_characters: int = 100_000


@dataclass(frozen=True, slots=True)
class ForeignTool:
    """A tool of another server.

    Attributes:
        server: Name of the server.
        name: Its name there.
        description: What it does.
        parameters: JSON schema of its arguments.
        is_allowed: Whether it runs without confirmation.
        annotations: Further properties given by the server, such as that it only reads.
    """

    server: str
    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    is_allowed: bool = False
    annotations: dict[str, Any] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Its name among the tools of all servers."""
        return f"{self.server}__{self.name}"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call.

    Attributes:
        text: The result as text.
        is_error: Whether the text is the reason why the tool failed.
    """

    text: str = field(repr=False)
    is_error: bool = False


class ToolServers:
    """Connections to tool servers, each opened on first use, and reopened if it broke. Must be closed.

    Args:
        servers: The configured servers.
        limits: Limits of a call.
    """

    def __init__(self, servers: Sequence[ToolServer], limits: ToolLimits | None = None) -> None:
        self.limits = limits or ToolLimits()
        self._connections = {each.name: _Connection(each, self.limits) for each in servers}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the servers."""
        return tuple(self._connections)

    async def tools(self, server: str) -> tuple[ForeignTool, ...]:
        """The tools of a server.

        Raises:
            BadRequest: There is no such server.
            ToolFailed: It cannot be reached.
        """
        return await self._connection(server).tools()

    def known(self, server: str) -> tuple[ForeignTool, ...]:
        """The tools of a server as last listed; none if it has not been asked yet, or does not exist."""
        connection = self._connections.get(server)
        return (connection.listed or ()) if connection else ()

    async def all_tools(self) -> tuple[ForeignTool, ...]:
        """The tools of all servers; a server that cannot be reached is logged, and contributes none."""
        lists = await asyncio.gather(
            *(connection.tools() for connection in self._connections.values()),
            return_exceptions=True,
        )
        found: list[ForeignTool] = []
        for name, tools in zip(self._connections, lists, strict=True):
            if isinstance(tools, CoblynError):
                log.warning("tool server %s: %s", name, tools.message)
            elif isinstance(tools, BaseException):
                raise tools
            else:
                found += tools
        return tuple(found)

    async def call(self, server: str, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Call a tool. An error within the tool is returned as a result, so that the model can react to it.

        Raises:
            BadRequest: There is no such server or tool.
            ToolFailed: The server cannot be reached, or took too long.
        """
        return await self._connection(server).call(name, arguments)

    async def close(self) -> None:
        """End the programs, and close the connections."""
        await asyncio.gather(*(each.close() for each in self._connections.values()))

    def _connection(self, server: str) -> _Connection:
        if connection := self._connections.get(server):
            return connection
        known = ", ".join(self._connections) or "none"
        raise BadRequest(f"There is no tool server {server[:80]!r} here; known: {known}.")


class _Connection:
    """A server's client. It runs in a separate task, as the library must exit in the task that it entered in."""

    def __init__(self, server: ToolServer, limits: ToolLimits) -> None:
        self._server = server
        self._limits = limits
        self._client: asyncio.Future[Client] | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Future[Any]] = set()
        self._leave = asyncio.Event()
        self._tools: tuple[ForeignTool, ...] | None = None
        self._fault = ""

    @property
    def listed(self) -> tuple[ForeignTool, ...] | None:
        """Its tools; None before they are listed."""
        return self._tools

    async def tools(self) -> tuple[ForeignTool, ...]:
        """Its tools, requested once per connection."""
        client = await self._connected()
        if self._tools is None:
            self._tools = await self._within(self._limits.start_seconds, self._list(client))
        return self._tools

    async def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Call one of its tools."""
        if name not in {tool.name for tool in await self.tools()}:
            raise BadRequest(f"The tool server {self._server.name} has no tool {name[:80]!r}.")
        client = await self._connected()
        result = await self._within(self._limits.seconds, client.call_tool(name, arguments))
        text = "\n".join(_text(part) for part in result.content)
        if len(text) > (most := self._limits.max_characters):
            text = f"{text[:most]}\n[{len(text) - most} further characters were left out]"
        return ToolResult(text, is_error=bool(result.is_error))

    async def close(self) -> None:
        """Close the connection."""
        self._abandon()
        if self._ending:
            await asyncio.wait(self._ending, timeout=10.0)
        for task in tuple(self._ending):
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _abandon(self) -> None:
        """Abandon the connection; a program that does not respond takes some seconds to end."""
        if self._task:
            self._leave.set()
            self._ends_later(self._task)
        self._client = self._task = self._tools = None

    def _ends_later(self, task: asyncio.Future[Any]) -> None:
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it

    async def _list(self, client: Client) -> tuple[ForeignTool, ...]:
        found: list[ForeignTool] = []
        cursor = None
        for _ in range(_MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += (self._foreign(tool) for tool in page.tools)
            cursor = page.next_cursor
            if not cursor or len(found) > _MAX_TOOLS:
                break
        return tuple(_proper(found))

    def _foreign(self, tool: Any) -> ForeignTool:
        said = tool.annotations.model_dump(exclude_none=True) if tool.annotations else {}
        return ForeignTool(
            self._server.name,
            tool.name,
            tool.description or "",
            dict(tool.input_schema or {}),
            is_allowed=tool.name in self._server.allowed,
            annotations=said,
        )

    async def _connected(self) -> Client:
        if self._client is None or (self._task and self._task.done()):
            self._tools, self._fault = None, ""
            self._leave = asyncio.Event()
            self._client = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._live(self._client), name=self._server.name)
        limit = self._limits.start_seconds
        try:
            return await asyncio.wait_for(asyncio.shield(self._client), limit)
        except TimeoutError as error:
            self._abandon()
            raise self._failed(f"did not start within {limit:g} seconds") from error

    async def _live(self, ready: asyncio.Future[Client]) -> None:
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(
                    await _client_of(self._server, stack, self._note)
                )
                ready.set_result(client)
                await self._leave.wait()
        except Exception as error:  # noqa: BLE001 - a foreign program: it may fail in any way
            log.info("tool server %s ended: %r", self._server.name, error)
            if not ready.done():
                self._client = None
                ready.set_exception(
                    self._failed(f"cannot be reached: {self._fault or _reason(error)}")
                )
                ready.exception()  # no need to report it if nothing waits for it any longer

    async def _within(self, seconds: float, work: Any) -> Any:
        """Run work with the client; if it fails or takes too long, the next call reconnects.

        Work that is given up ends by itself: the library tells the server first, which a server that does not read
        holds up.
        """
        running = asyncio.ensure_future(work)
        try:
            await asyncio.wait({running}, timeout=seconds)
        finally:
            if not running.done():
                running.cancel()
                self._ends_later(running)
        if not running.done():
            self._abandon()
            raise self._failed(f"did not answer within {seconds:g} seconds")
        try:
            return running.result()
        except CoblynError:
            raise
        except Exception as error:
            if _is_answer(error):
                raise self._failed(f"says: {_reason(error)}") from error
            self._abandon()
            raise self._failed(f"broke off: {self._fault or _reason(error)}") from error

    def _note(self, fault: str) -> None:
        self._fault = fault

    def _failed(self, what: str) -> ToolFailed:
        return ToolFailed(f"The tool server {self._server.name} {what}.")


async def _client_of(
    server: ToolServer, stack: AsyncExitStack, report: Callable[[str], None]
) -> Client:
    """The protocol's client; importing it takes a second."""
    await asyncio.to_thread(importlib.import_module, "mcp")
    from mcp import Client

    if server.url:
        return Client(reaching(server))
    said = stack.enter_context(kept_in(paths.logs() / f"tools-{server.name}.log"))
    return Client(running(server, said, report))


def _proper(tools: Iterable[ForeignTool]) -> list[ForeignTool]:
    """The first tools that can be named in a call, each once; the others are logged."""
    found: dict[str, ForeignTool] = {}
    for tool in tools:
        if len(found) == _MAX_TOOLS:
            log.warning(
                "tool server %s: tools after the first %d are left out", tool.server, _MAX_TOOLS
            )
            break
        if not _NAME.fullmatch(tool.name):
            log.warning("tool server %s: the name %r is left out", tool.server, tool.name[:80])
        elif found.setdefault(tool.name, tool) is not tool:
            log.warning("tool server %s: a second tool %r is left out", tool.server, tool.name)
    return list(found.values())


def _is_answer(error: Exception) -> bool:
    """Whether an error is a response of the server, which is therefore alive."""
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and error.error.code != CONNECTION_CLOSED


def _text(part: Any) -> str:
    """A part of a result as text; for other content, its description."""
    if part.type == "text":
        return str(part.text)
    if part.type == "resource" and hasattr(part.resource, "text"):
        return str(part.resource.text)
    if part.type == "resource_link":
        return f"[{part.name}: {part.uri}]"
    return f"[{part.type}: {getattr(part, 'mime_type', None) or 'not text'}]"


def _reason(error: BaseException) -> str:
    """The reason in one line; the first of several."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")[:300]
