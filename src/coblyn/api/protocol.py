"""uvicorn's HTTP with time limits that it has not: for the headers of a request, and for clients that do not read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["TimedProtocol"]

_ANSWER = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class TimedProtocol(HttpToolsProtocol):
    """A connection that is closed when a request's headers do not arrive in time, or an answer is not read.

    Without it, connections that send half a request would stay open, and hold a file descriptor each, forever; and of
    those that stop reading an answer, all that follows would be kept in memory.
    """

    header_seconds = 20.0
    """From the connection, or from a request's first byte, to the end of its headers."""

    write_seconds = 120.0
    """From the moment when no more can be sent until the client has read most of what was."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop()
        self._read_on()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The first bytes of a request are there."""
        super().on_message_begin()
        self._has_begun = True
        self._start()

    def on_headers_complete(self) -> None:
        """All headers of a request are there."""
        self._stop()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is made."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read most of what was sent."""
        self._read_on()
        super().resume_writing()

    def _read_on(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _start(self) -> None:
        self._stop()
        self._limit = self.loop.call_later(self.header_seconds, self._give_up)

    def _stop(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            is_answering = self.cycle is not None and not self.cycle.response_complete
            if self._has_begun and not is_answering:
                self.transport.write(_ANSWER)
            self.transport.close()
