"""A tool server that is a program: the protocol's messages as lines of its standard input and output.

The library's own transport keeps a line of any length in memory, reads as fast as a program writes, and keeps an
answer for each of its requests until it reads them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from coblyn.errors import CoblynError
from coblyn.mcp.pace import Pace
from coblyn.run import end_group, end_tree

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    from coblyn.mcp.server_file import ToolServer

__all__ = ["MAX_LINE", "Misbehaved", "messages_pace", "running"]

MAX_LINE = 1 << 24
"""Maximum size of a message from the program in bytes."""

_MAX_UNREAD = 256
"""Maximum number of the program's requests whose answers it has not read."""

_MAX_AHEAD = 1 << 16
"""Half of the bytes that are read before they are wanted; what a program that is slowed down has written."""

_PACE_BYTES = 1 << 16
"""Bytes that count as a further message."""

_GRACE_SECONDS = 2.0
"""Time for the program to end after its standard input has, and again after it was asked to."""


class Misbehaved(CoblynError):
    """The program sent more than ``MAX_LINE`` bytes without a line end, or requests without reading the answers."""

    code = "tool_failed"
    status = 502


def messages_pace() -> Pace:
    """The pace of a server's messages: 100 a second after the first 1,000."""
    return Pace(burst=1000.0, rate=100.0)


@asynccontextmanager
async def running(
    server: ToolServer, errors: TextIO, report: Callable[[str], None]
) -> AsyncIterator[TransportStreams]:
    """Start the program of a tool server, and end it with all its children at the end of the block.

    Args:
        server: A server with a command.
        errors: Where the program's standard error output goes.
        report: Called with the reason if the connection is ended because of what the program sends; the block is
            cancelled then.

    Raises:
        OSError: It cannot be started.
        Misbehaved: The program sent what cannot be read.
    """
    import anyio

    process = await _started(server, errors)
    talk = _Talk(process, report, messages_pace())
    incoming, received = anyio.create_memory_object_stream[Any](0)
    to_send, outgoing = anyio.create_memory_object_stream[Any](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk.read, incoming)
            tasks.start_soon(talk.write, outgoing)
            try:
                yield received, to_send
            finally:
                received.close()
                to_send.close()
                with anyio.CancelScope(shield=True):
                    await _end(process)
                tasks.cancel_scope.cancel()
    finally:
        for stream in (incoming, received, to_send, outgoing):
            stream.close()


async def _started(server: ToolServer, errors: TextIO) -> asyncio.subprocess.Process:
    from mcp.client.stdio import get_default_environment

    program, *arguments = server.command
    # Other variables of ours may be keys.
    environment = get_default_environment() | server.environment
    return await asyncio.create_subprocess_exec(
        shutil.which(program) or program,  # Windows finds scripts only by their whole names
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env=environment,
        cwd=server.directory or None,
        limit=_MAX_AHEAD,
        start_new_session=os.name != "nt",
    )


@dataclass(slots=True)
class _Talk:
    """What goes to and fro.

    Attributes:
        process: The program.
        report: Called with the reason if it cannot go on.
        pace: How fast its messages are read.
        num_unread: Number of the program's requests whose answers it has not read.
    """

    process: asyncio.subprocess.Process
    report: Callable[[str], None]
    pace: Pace
    num_unread: int = 0

    async def read(self, incoming: Any) -> None:
        """Pass on messages, and after the connection has ended, drop what the program still writes."""
        import anyio

        assert self.process.stdout
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async with incoming:
                while line := await self._line(self.process.stdout):
                    await incoming.send(self._message(line))
                    await asyncio.sleep(self.pace.take(1 + len(line) / _PACE_BYTES))
        while await self.process.stdout.read(1 << 16):
            pass

    async def _line(self, stdout: asyncio.StreamReader) -> bytes:
        """The next message, or what there is of it at the end; empty after that."""
        parts, size = [], 0
        while size <= MAX_LINE:
            try:
                parts.append(await stdout.readuntil())
            except asyncio.LimitOverrunError as more:
                parts.append(await stdout.readexactly(more.consumed))
                size += more.consumed
                continue
            except asyncio.IncompleteReadError as end:
                parts.append(end.partial)
            return b"".join(parts)
        raise self._misbehaved(f"it sent more than {MAX_LINE >> 20} MiB without a line end")

    def _message(self, line: bytes) -> Any:
        from mcp.shared.message import SessionMessage
        from mcp_types import JSONRPCRequest, jsonrpc_message_adapter

        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError as error:
            return error
        if isinstance(message, JSONRPCRequest):
            self.num_unread += 1
            if self.num_unread > _MAX_UNREAD:
                raise self._misbehaved("it sends requests without reading the answers")
        return SessionMessage(message)

    def _misbehaved(self, reason: str) -> Misbehaved:
        self.report(reason)
        return Misbehaved(reason)

    async def write(self, outgoing: Any) -> None:
        """Pass on what the connection sends."""
        from mcp_types import JSONRPCError, JSONRPCResponse

        assert self.process.stdin
        with suppress(OSError):  # it has ended, which the reader tells
            async with outgoing:
                async for each in outgoing:
                    text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                    self.process.stdin.write(text.encode() + b"\n")
                    await self.process.stdin.drain()
                    if isinstance(each.message, JSONRPCError | JSONRPCResponse):
                        self.num_unread -= 1


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let the program end by itself, or end it."""
    assert process.stdin
    process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    if process.returncode is None:
        await asyncio.to_thread(end_tree, process.pid, grace=_GRACE_SECONDS)
    # Its output stays open while it is not read to its end, or while another program has it; only this closes it.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
    await process.wait()
    await asyncio.to_thread(end_group, process.pid, grace=_GRACE_SECONDS)
