"""Resumable streams: sent parts are kept for a while, and the stream continues although no client listens.

Only for clients that request it, in bounded memory: a tape drops its oldest parts, and the server its oldest tapes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from coblyn.api.framing import SSE, Framing
from coblyn.errors import Busy, CoblynError, NotFound
from coblyn.service.caller import CALLER
from coblyn.service.generate import Generation

__all__ = ["Gone", "Tape", "Tapes"]

MAX_TAPES = 64
MAX_TAPE_BYTES = 2 << 20
LINGER_SECONDS = 60.0
"""Seconds for which a generation continues while no client listens."""
KEEP_SECONDS = 300.0
"""Seconds for which a stream is kept after its end."""

_EVENT_END = b"\n\n"


class Gone(CoblynError):
    """A part of a stream is no longer kept."""

    code = "gone"
    status = 410


class Tape:
    """One stream: its parts are numbered from 0, and several clients may listen.

    Args:
        framing: The framing of its parts.
        on_end: Called at its end.

    Attributes:
        id: Its name.
        caller: Name of its caller.
        framing: The same.
        is_over: Whether its last part was made.
    """

    def __init__(self, framing: Framing, on_end: Callable[[Tape], object]) -> None:
        self.id = secrets.token_urlsafe(12)
        self.caller = CALLER.get().name
        self.framing = framing
        self.is_over = False
        self._on_end = on_end
        self._parts: deque[bytes] = deque()
        self._first = 0
        self._size = 0
        self._num_listeners = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None

    def record(self, frames: AsyncGenerator[bytes, None], sources: Sequence[Generation]) -> None:
        """Start recording frames; the sources are closed at the end."""
        self._task = asyncio.create_task(self._record(frames, sources), name=f"tape-{self.id}")
        self._task.add_done_callback(lambda _: self._on_end(self))
        self._linger()

    async def stop(self) -> None:
        """Stop the stream."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._end:
            self._end.cancel()

    async def play(self, start: int) -> AsyncGenerator[bytes, None]:
        """Yield the parts from a number on, to the end.

        Raises:
            Gone: That part, or one that follows it, is no longer kept.
        """
        self._num_listeners += 1
        if self._end:
            self._end.cancel()
        try:
            while True:
                while start < self._first + len(self._parts):
                    yield self._part(start)
                    start += 1
                if self.is_over:
                    return
                await self._news.wait()
        finally:
            self._num_listeners -= 1
            self._linger()

    def require(self, start: int) -> None:
        """Check that it can be played from a number.

        Raises:
            Gone: That part is no longer kept.
        """
        if start < self._first:
            raise Gone(f"The parts before {self._first} of this stream are no longer kept.")

    def _part(self, number: int) -> bytes:
        self.require(number)
        part = self._parts[number - self._first]
        return b"id: %d\n%b" % (number, part) if self.framing is SSE else part

    async def _record(
        self, frames: AsyncGenerator[bytes, None], sources: Sequence[Generation]
    ) -> None:
        try:
            async with aclosing(frames):
                async for frame in frames:
                    self._keep(frame)
        finally:
            for source in sources:
                await source.aclose()
            self.is_over = True
            self._tell()

    def _keep(self, frame: bytes) -> None:
        # A frame may contain several events, and the connection may break between them.
        events = frame.split(_EVENT_END) if self.framing is SSE else [frame]
        end = _EVENT_END if self.framing is SSE else b""
        self._parts.extend(event + end for event in events if event)
        self._size += len(frame)
        while self._size > MAX_TAPE_BYTES and len(self._parts) > 1:
            self._size -= len(self._parts.popleft())
            self._first += 1
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _linger(self) -> None:
        if self._num_listeners == 0 and self._task and not self._task.done():
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(LINGER_SECONDS, self._task.cancel)


class Tapes:
    """The resumable streams."""

    def __init__(self) -> None:
        self._tapes: dict[str, Tape] = {}

    @contextmanager
    def prepared(self, framing: Framing) -> Iterator[Tape]:
        """Reserve a place for a stream that is about to start; it is freed if the stream does not start.

        Raises:
            Busy: The maximum number of streams is active.
        """
        self._make_room()
        tape = Tape(framing, on_end=self._forget_later)
        self._tapes[tape.id] = tape
        try:
            yield tape
        except BaseException:
            del self._tapes[tape.id]
            raise

    def find(self, name: str) -> Tape:
        """A stream of the current caller.

        Raises:
            NotFound: There is none of that name, or it is no longer kept.
        """
        tape, caller = self._tapes.get(name), CALLER.get()
        if tape is None or (tape.caller != caller.name and caller.scope != "admin"):
            raise NotFound(f"There is no stream {name!r}, or it is no longer kept.")
        return tape

    async def close(self) -> None:
        """Stop all streams."""
        for tape in self._tapes.values():
            await tape.stop()
        self._tapes.clear()

    def _make_room(self) -> None:
        if len(self._tapes) < MAX_TAPES:
            return
        over = next((tape for tape in self._tapes.values() if tape.is_over), None)
        if over is None:
            raise Busy(f"{MAX_TAPES} resumable streams are active.")
        del self._tapes[over.id]

    def _forget_later(self, tape: Tape) -> None:
        asyncio.get_running_loop().call_later(KEEP_SECONDS, self._tapes.pop, tape.id, None)
