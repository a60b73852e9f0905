"""uvicorn's HTTP protocol with additional time limits: for a request's headers, and for clients that do not read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["TimedProtocol"]

_ANSWER = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class TimedProtocol(HttpToolsProtocol):
    """Closes connections whose request headers do not arrive in time, or whose client does not read the answer.

    Without it, connections with incomplete requests would stay open forever, each with a file descriptor; and answers
    to clients that stop reading would fill the memory.
    """

    header_seconds = 20.0
    """Seconds from the connection, or a request's first byte, to the end of its headers."""

    write_seconds = 120.0
    """Seconds from the moment the send buffer is full until the client has read most of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the headers."""
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._stop()
        self._read_on()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the timer for the headers at a request's first byte."""
        super().on_message_begin()
        self._has_begun = True
        self._start()

    def on_headers_complete(self) -> None:
        """Stop the timer for the headers."""
        self._stop()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """Start the timer for reading: the send buffer is full."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer for reading."""
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
