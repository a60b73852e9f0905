"""Both ends of a child's pipes on an event loop: frames go in and come out, lines of errors come out.

Frames are handed over in the loop's own callback. Between two tokens of one stream each task that has to be woken is
felt: the caches are the model's by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from coblyn.engine import wire
from coblyn.engine.process import Child

__all__ = ["Pipes"]

_MAX_LINE = 1 << 16


class Pipes:
    """Speaks to one child process, until its end. Make it on the loop.

    Args:
        child: The process; its standard streams are unbuffered pipes, which are closed at the end.
        on_frame: Called with each frame that arrives.
        on_line: Called with each line of the child's standard error.
    """

    def __init__(
        self,
        child: Child,
        on_frame: Callable[[wire.FromEngine], None],
        on_line: Callable[[str], None],
    ) -> None:
        self._child = child
        self._on_frame = on_frame
        self._on_line = on_line
        self._reader = wire.to_client()
        self._rest = b""
        self._stdin: asyncio.WriteTransport | None = None
        self._out, self._errors = _Outlet(self._read_frames), _Outlet(self._read_lines)

    async def open(self) -> None:
        """Begin to speak."""
        loop = asyncio.get_running_loop()
        self._stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, self._child.stdin)
        await loop.connect_read_pipe(lambda: self._out, self._child.stdout)
        await loop.connect_read_pipe(lambda: self._errors, self._child.stderr)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    def send(self, frame: wire.ToEngine) -> None:
        """Send a frame; to a child that is gone it is no use, and no harm."""
        if self._stdin and not self._stdin.is_closing():
            self._stdin.write(wire.pack(frame))

    def kill(self) -> None:
        """End the child at once, if it runs."""
        self._child.kill()

    async def wait(self) -> int:
        """Wait for the end, until all that it wrote was read; the exit code, negative for a signal."""
        await asyncio.shield(asyncio.gather(self._out.ended, self._errors.ended))
        if self._rest:
            self._on_line(self._rest.decode(errors="replace").rstrip())
        if self._stdin:
            self._stdin.close()
        return await asyncio.to_thread(self._child.wait)

    def _read_frames(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self._on_frame(frame)

    def _read_lines(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace").rstrip())
        self._rest = self._rest[-_MAX_LINE:]


class _Outlet(asyncio.Protocol):
    """One of the streams that a child writes to."""

    def __init__(self, read: Callable[[bytes], None]) -> None:
        self._read = read
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._read(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.ended.done():
            self.ended.set_result(None)
