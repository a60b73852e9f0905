"""Streamed answers, and work that is cancelled when its client leaves."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from coblyn.api.dialect import Dialect
from coblyn.api.problem import Problem
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.errors import Cancelled, CoblynError
from coblyn.service.choices import merge
from coblyn.service.generate import Generation
from coblyn.service.hub import Record
from coblyn.service.replies import Reply

if TYPE_CHECKING:
    from coblyn.chat.messages import ToolCall
    from coblyn.mcp.tool_servers import ToolResult

__all__ = ["Chunks", "StreamResponse", "compact", "frames", "json_text", "while_connected"]

T = TypeVar("T")


def compact(value: Any) -> bytes:
    """A value as JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def json_text(text: str) -> bytes:
    """A string as ASCII JSON, so that clients that decode each packet separately never get half a character."""
    return encode_basestring_ascii(text).encode("ascii")


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Run some work for a client, and cancel it when the client leaves.

    Args:
        receive: The request's receive channel, after its body was read.
        work: The work.

    Raises:
        Cancelled: The client left.
    """
    task = asyncio.create_task(work)
    watch = asyncio.create_task(_departure(receive))
    try:
        await asyncio.wait((task, watch), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Cancelled("The client left.")
        return task.result()
    finally:
        task.cancel()
        watch.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Chunks(ABC):
    """The parts of a stream in a dialect's format; each is a complete frame, or empty.

    Args:
        dialect: The dialect.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.framing = dialect.framing

    def opening(self, index: int) -> bytes:  # noqa: ARG002
        """What precedes the first text of a choice."""
        return b""

    @abstractmethod
    def text(self, index: int, delta: Delta) -> bytes:
        """New text of a choice, as generated."""

    @abstractmethod
    def end(self, index: int, finish: Finish, record: Record) -> bytes:
        """The end of a choice."""

    def more(self, index: int, delta: Delta, reply: Reply) -> bytes:  # noqa: ARG002
        """New text of a reply; dialects with conversations send the parts of ``reply`` separately."""
        return self.text(index, delta)

    def last(self, index: int, finish: Finish, reply: Reply, record: Record) -> bytes:  # noqa: ARG002
        """The end of a choice; ``reply`` may have parts that were held back, and has the finish reason."""
        return self.end(index, finish, record)

    def running(self, call: ToolCall) -> bytes:  # noqa: ARG002
        """A call that runs on this server begins."""
        return b""

    def ran(self, call: ToolCall, result: ToolResult) -> bytes:  # noqa: ARG002
        """It has run or failed."""
        return b""

    def progress(self, prefill: Prefill) -> bytes:  # noqa: ARG002
        """Progress of the prompt."""
        return b""

    def keep_alive(self) -> bytes:
        """Sent after a period of silence, so that proxies keep the connection open; empty for nothing."""
        return self.framing.comment(b"waiting")

    def error(self, problem: Problem) -> bytes:
        """An error, as the last part."""
        return self.dialect.error_part(problem)

    def closing(self, records: Sequence[Record]) -> bytes:  # noqa: ARG002
        """The last part, after the end of all choices."""
        return b""

    def over(self) -> None:  # noqa: B027 - most have nothing to do
        """Clean up: all parts were sent, or the client has left."""


async def frames(generations: Sequence[Generation], chunks: Chunks) -> AsyncGenerator[bytes, None]:
    """Yield the frames of an answer.

    Args:
        generations: All choices, in order.
        chunks: Formats the parts.
    """
    try:
        async with aclosing(_frames(generations, chunks)) as parts:
            async for part in parts:
                yield part
    finally:
        chunks.over()


async def _frames(generations: Sequence[Generation], chunks: Chunks) -> AsyncGenerator[bytes, None]:
    for index in range(len(generations)):
        if opening := chunks.opening(index):
            yield opening
    try:
        async with aclosing(merge(generations)) as events:
            async for index, reply in events:
                if frame := _frame(chunks, index, reply, generations[index].record):
                    yield frame
    except CoblynError as error:
        yield chunks.error(Problem.of(error))
        return
    if closing := chunks.closing([generation.record for generation in generations]):
        yield closing


def _frame(chunks: Chunks, index: int, reply: Reply, record: Record) -> bytes:
    event = reply.event
    if isinstance(event, Delta):
        return chunks.more(index, event, reply)
    if isinstance(event, Finish):
        return chunks.last(index, event, reply, record)
    return chunks.progress(event) if isinstance(event, Prefill) else b""


class StreamResponse(Response):
    """A streamed answer: each frame is sent when it is made, and the stream ends when the client leaves.

    Args:
        frames: Complete frames.
        sources: Sources of the frames; always closed at the end.
        media_type: Content type.
        headers: Additional headers.
        remark: Sent while there is no frame; empty for nothing.
        beat: Seconds without a frame after which ``remark`` is sent.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        sources: Sequence[Generation],
        media_type: str,
        headers: Mapping[str, str] | None = None,
        *,
        remark: bytes = b"",
        beat: float = 0.0,
    ) -> None:
        super().__init__(
            headers={"cache-control": "no-cache", "x-accel-buffering": "no", **(headers or {})},
            media_type=media_type,
        )
        del self.headers["content-length"]
        self._frames = frames
        self._sources = sources
        self._remark = remark
        self._beat = beat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the frames until they end or the client leaves."""
        try:
            await while_connected(receive, self._write(send))
        except Cancelled:
            pass  # the client has left
        finally:
            await self._frames.aclose()
            for source in self._sources:
                await source.aclose()

    async def _write(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        pulse = _Pulse(send, self._remark, self._beat)
        try:
            async for frame in self._frames:
                pulse.is_wanted = False
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        finally:
            await pulse.stop()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Pulse:
    """Sends a remark in a stream that has been silent for a while.

    It uses one timer for the whole stream, since a wait with a timeout per frame would cost a task per frame.

    Args:
        send: Sends a message of the answer.
        remark: The remark; empty for nothing.
        seconds: The period of silence.

    Attributes:
        is_wanted: Whether there was no frame since the timer last fired.
    """

    def __init__(self, send: Send, remark: bytes, seconds: float) -> None:
        self.is_wanted = True
        is_needed = bool(remark) and seconds > 0
        self._task = asyncio.create_task(self._run(send, remark, seconds)) if is_needed else None

    async def stop(self) -> None:
        """Stop sending remarks."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, send: Send, remark: bytes, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            if self.is_wanted:
                await send({"type": "http.response.body", "body": remark, "more_body": True})
            self.is_wanted = True
