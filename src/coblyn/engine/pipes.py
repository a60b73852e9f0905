"""Communication with a child process on an event loop: frames in both directions, and lines of its standard error.

Frames are delivered in the loop's own callback: waking a task for each token would be measurably slower, since by then
the model has evicted everything else from the caches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from coblyn.engine import wire

__all__ = ["Pipes"]

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_MAX_LINE = 1 << 16


class Pipes(asyncio.SubprocessProtocol):
    """The pipes of one child process. Create it on the loop.

    Args:
        on_frame: Called with each frame that arrives.
        on_line: Called with each line of the child's standard error.
    """

    def __init__(
        self, on_frame: Callable[[wire.FromEngine], None], on_line: Callable[[str], None]
    ) -> None:
        self._on_frame = on_frame
        self._on_line = on_line
        self._reader = wire.to_client()
        self._rest = b""
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Record that the child runs."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Split data into frames or lines."""
        if fd == _STDOUT:
            for frame in self._reader.feed(data):
                self._on_frame(frame)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace").rstrip())
        self._rest = self._rest[-_MAX_LINE:]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Record that the child has ended and all its output was read."""
        if self._rest:
            self._on_line(self._rest.decode(errors="replace").rstrip())
        if not self._ended.done():
            self._ended.set_result(None)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.get_pid()

    def send(self, frame: wire.ToEngine) -> None:
        """Send a frame; ignored if the child has ended."""
        pipe = cast("asyncio.WriteTransport | None", self._child.get_pipe_transport(_STDIN))
        if pipe and not pipe.is_closing():
            pipe.write(wire.pack(frame))

    def kill(self) -> None:
        """Kill the child if it runs."""
        if self._child.get_returncode() is None:
            self._child.kill()

    async def wait(self) -> int | None:
        """Wait for the child to end. Gives the exit code, negative for a signal."""
        await asyncio.shield(self._ended)
        code = self._child.get_returncode()
        self._child.close()
        return code

    @property
    def _child(self) -> asyncio.SubprocessTransport:
        assert self._transport is not None, "made by subprocess_exec"
        return self._transport
