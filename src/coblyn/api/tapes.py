"""Streams that can be taken up again: what was sent is kept for a while, and the rest is made although nobody listens.

Only for clients that ask for it, in bounded memory: a tape forgets its oldest parts, and the server its oldest tapes.
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
"""How long a generation goes on while nobody listens."""
KEEP_SECONDS = 300.0
"""How long a stream is kept after its end."""

_EVENT_END = b"\n\n"


class Gone(CoblynError):
    """A part of a stream is no longer kept."""

    code = "gone"
    status = 410


class Tape:
    """One stream: its parts are numbered from 0, and several may listen.

    Args:
        framing: How its parts are told apart.
        on_end: Told of its end.

    Attributes:
        id: Its name.
        caller: Name of the caller whose it is.
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
        """Keep the frames from now on; the sources are closed at the end."""
        self._task = asyncio.create_task(self._record(frames, sources), name=f"tape-{self.id}")
        self._task.add_done_callback(lambda _: self._on_end(self))
        self._linger()

    async def stop(self) -> None:
        """End what still runs."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._end:
            self._end.cancel()

    async def play(self, start: int) -> AsyncGenerator[bytes, None]:
        """The parts from a number on, and those that come, to the end.

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
        """See whether it can be played from there.

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
        # A frame may be several events, and a client may be cut off between them.
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
    """The streams that can be taken up again."""

    def __init__(self) -> None:
        self._tapes: dict[str, Tape] = {}

    @contextmanager
    def prepared(self, framing: Framing) -> Iterator[Tape]:
        """A place for a stream that is about to start, and is forgotten if it does not.

        Raises:
            Busy: As many as can be kept are under way.
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
        """A stream of the caller at hand.

        Raises:
            NotFound: There is none of that name, or it is no longer kept.
        """
        tape, caller = self._tapes.get(name), CALLER.get()
        if tape is None or (tape.caller != caller.name and caller.scope != "admin"):
            raise NotFound(f"There is no stream {name!r}, or it is no longer kept.")
        return tape

    async def close(self) -> None:
        """End all of them."""
        for tape in self._tapes.values():
            await tape.stop()
        self._tapes.clear()

    def _make_room(self) -> None:
        if len(self._tapes) < MAX_TAPES:
            return
        over = next((tape for tape in self._tapes.values() if tape.is_over), None)
        if over is None:
            raise Busy(f"{MAX_TAPES} streams that can be taken up again are under way.")
        del self._tapes[over.id]

    def _forget_later(self, tape: Tape) -> None:
        asyncio.get_running_loop().call_later(KEEP_SECONDS, self._tapes.pop, tape.id, None)
