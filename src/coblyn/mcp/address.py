"""A tool server at an address: the library's client, with answers of bounded size, at a bounded pace.

The library bounds events, but reads a whole answer in JSON, and unpacks it before anybody can count its bytes. It reads
events as fast as they come, answers each request among them, and opens a stream that has ended again as soon as the
server says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from coblyn.mcp.process import MAX_LINE, messages_pace

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams

    from coblyn.mcp.server_file import ToolServer

__all__ = ["reaching"]

_FAREWELL_SECONDS = 5.0
"""Time for the server to say that it has ended a session."""

_LINES = 3
"""Lines of an event: its type, its data, and an empty one."""


@asynccontextmanager
async def reaching(server: ToolServer) -> AsyncIterator[TransportStreams]:
    """Reach a tool server at its address; an answer of more than ``MAX_LINE`` bytes fails its request.

    Args:
        server: A server with an address.
    """
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    headers = httpx2.Headers(server.headers)
    headers["accept-encoding"] = "identity"
    bounds = _Bounds()
    async with (
        httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(30.0, read=None),
            event_hooks={"request": [bounds.slow_down], "response": [bounds.bind]},
        ) as client,
        streamable_http_client(
            server.url, http_client=client, max_sse_event_size=MAX_LINE
        ) as streams,
    ):
        yield streams


class _Bounds:
    """The bounds of one connection."""

    def __init__(self) -> None:
        self._requests, self._events = messages_pace(), messages_pace()

    async def slow_down(self, request: httpx2.Request) -> None:
        """Wait before a request, if there were too many. Only calls may wait for their answers without a limit here."""
        if request.method == "DELETE":
            request.extensions["timeout"]["read"] = _FAREWELL_SECONDS
        await asyncio.sleep(self._requests.take(1.0))

    async def bind(self, response: httpx2.Response) -> None:
        """Bound what is read of an answer. Events are bounded one by one: their stream may be of any length."""
        import httpx2

        if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise httpx2.DecodingError("its answer is compressed", request=response.request)
        is_events = response.headers.get("content-type", "").startswith("text/event-stream")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _checked(response.stream, self._pace if is_events else _at_most())

    async def _pace(self, chunk: bytes) -> None:
        num_lines = chunk.count(b"\n") + chunk.count(b"\r")
        await asyncio.sleep(self._events.take(num_lines / _LINES))


def _at_most() -> Callable[[bytes], Awaitable[None]]:
    """A check that fails after ``MAX_LINE`` bytes."""
    import httpx2

    num_bytes = 0

    async def count(chunk: bytes) -> None:
        nonlocal num_bytes
        num_bytes += len(chunk)
        if num_bytes > MAX_LINE:
            raise httpx2.StreamError(f"it is longer than {MAX_LINE >> 20} MiB")

    return count


def _checked(
    whole: httpx2.AsyncByteStream, check: Callable[[bytes], Awaitable[None]]
) -> httpx2.AsyncByteStream:
    """A body of which each part passes a check."""
    import httpx2

    class Checked(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in whole:
                await check(chunk)
                yield chunk

        async def aclose(self) -> None:
            await whole.aclose()

    return Checked()
