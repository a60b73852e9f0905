"""Answers that grow, and work that ends when its client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, Protocol, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from coblyn.errors import Cancelled

__all__ = ["EventStream", "json_text", "while_connected"]

T = TypeVar("T")


class _Closable(Protocol):
    async def aclose(self) -> None: ...


def json_text(text: str) -> bytes:
    """A string as JSON in ASCII: clients that decode each packet alone meet no half characters."""
    return encode_basestring_ascii(text).encode("ascii")


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Do some work for a client, and stop it when the client leaves.

    Args:
        receive: The request's own, after its body was read.
        work: What to do.

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


class EventStream(Response):
    """Server-sent events: each frame goes out when it is made, and a client that leaves ends it.

    Args:
        frames: Complete frames, each with its blank line.
        sources: What the frames are made of; they are closed at the end in any case.
        headers: Further headers.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncGenerator[bytes, None],
        sources: Sequence[_Closable],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            headers={"cache-control": "no-cache", "x-accel-buffering": "no", **(headers or {})}
        )
        del self.headers["content-length"]
        self._frames = frames
        self._sources = sources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the frames until they end or nobody is there to read them."""
        try:
            await while_connected(receive, self._write(send))
        except Cancelled:
            pass  # nobody is left to be told
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
        async for frame in self._frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
