"""A tool server at an address: the library's client, with answers of bounded size.

The library bounds events, but reads a whole answer in JSON, and unpacks it before anybody can count its bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from coblyn.mcp.process import MAX_LINE

if TYPE_CHECKING:
    import httpx2
    from mcp.client._transport import TransportStreams

    from coblyn.mcp.server_file import ToolServer

__all__ = ["reaching"]


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
    async with (
        httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(30.0, read=None),
            event_hooks={"response": [_bound]},
        ) as client,
        streamable_http_client(
            server.url, http_client=client, max_sse_event_size=MAX_LINE
        ) as streams,
    ):
        yield streams


async def _bound(response: httpx2.Response) -> None:
    """Bound what is read of an answer. Events are bounded one by one: their stream may be of any length."""
    import httpx2

    if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        await response.aclose()
        raise httpx2.DecodingError("its answer is compressed", request=response.request)
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _bounded(response.stream)


def _bounded(whole: httpx2.AsyncByteStream) -> httpx2.AsyncByteStream:
    import httpx2

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            num_bytes = 0
            async for chunk in whole:
                num_bytes += len(chunk)
                if num_bytes > MAX_LINE:
                    raise httpx2.StreamError(f"it is longer than {MAX_LINE >> 20} MiB")
                yield chunk

        async def aclose(self) -> None:
            await whole.aclose()

    return Bounded()
