"""A tool server that is a program: the protocol's messages as lines of its standard input and output.

The library's own transport keeps a line of any length in memory; a program that never ends its line would fill it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from coblyn.errors import CoblynError
from coblyn.run import end_group, end_tree

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    from coblyn.mcp.server_file import ToolServer

__all__ = ["MAX_LINE", "LineTooLong", "running"]

MAX_LINE = 1 << 24
"""Maximum size of a message from the program in bytes."""

_GRACE_SECONDS = 2.0
"""Time for the program to end after its standard input has, and again after it was asked to."""


class LineTooLong(CoblynError):
    """The program sent more than ``MAX_LINE`` bytes without a line end."""

    code = "tool_failed"
    status = 502


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
        LineTooLong: The program sent one.
    """
    import anyio

    process = await _started(server, errors)
    incoming, received = anyio.create_memory_object_stream[Any](0)
    to_send, outgoing = anyio.create_memory_object_stream[Any](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, process, incoming, report)
            tasks.start_soon(_write, process, outgoing)
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
        limit=MAX_LINE,
        start_new_session=os.name != "nt",
    )


async def _read(
    process: asyncio.subprocess.Process, incoming: Any, report: Callable[[str], None]
) -> None:
    """Pass on messages, and after the connection has ended, drop what the program still writes."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    assert process.stdout
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with incoming:
            while line := await _line(process.stdout, report):
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError as error:
                    await incoming.send(error)
                else:
                    await incoming.send(SessionMessage(message))
    while await process.stdout.read(1 << 16):
        pass


async def _line(stdout: asyncio.StreamReader, report: Callable[[str], None]) -> bytes:
    try:
        return await stdout.readline()
    except ValueError as error:
        reason = f"it sent more than {MAX_LINE >> 20} MiB without a line end"
        report(reason)
        raise LineTooLong(reason) from error


async def _write(process: asyncio.subprocess.Process, outgoing: Any) -> None:
    assert process.stdin
    with suppress(OSError):  # it has ended, which the reader tells
        async with outgoing:
            async for each in outgoing:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()


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
