"""uvicorn's HTTP protocol with limits for what it leaves open: slow or endless headers, clients that do not read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from coblyn.api.joined import JoinedTransport

__all__ = ["TimedProtocol"]

_END = b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout" + _END
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large" + _END


class TimedProtocol(HttpToolsProtocol):
    """Closes connections whose request headers do not arrive in time or do not end, or whose client does not read.

    Without it, connections with incomplete requests would stay open forever, each with a file descriptor; endless
    headers, and answers to clients that stop reading, would fill the memory.

    A request that offers another protocol ("Upgrade: h2c", as Java's HTTP client does by default) is answered in this
    one. httptools would leave its body out.
    """

    max_header_bytes = 1 << 16
    """Maximum size of a request's address and headers."""

    header_seconds = 20.0
    """Seconds from the connection, or a request's first byte, to the end of its headers."""

    write_seconds = 120.0
    """Seconds from the moment the send buffer is full until the client has read most of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit: asyncio.TimerHandle | None = None
        self._has_begun = False
        self._stall: asyncio.TimerHandle | None = None
        self._num_header_bytes = 0
        self._is_in_headers = True
        self._unanswered: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the headers."""
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers, and tell the requests that are being answered."""
        self._stop()
        self._read_on()
        # The base class tells only the last of several requests that came together.
        for cycle in self._unanswered:
            cycle.disconnected = not cycle.response_complete
            cycle.message_event.set()
        self._unanswered.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._unset_keepalive_if_required()
        while data:
            data = self._parse(data)

    def _parse(self, data: bytes) -> bytes:
        """Parse bytes up to an offer of another protocol; gives what is to be parsed next."""
        before = self._num_header_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            return self._without_offer(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse()
        else:
            # A header that has not come to its end is not counted yet.
            if self._is_in_headers:
                self._num_header_bytes = max(self._num_header_bytes, before + len(data))
                if self._is_too_long:
                    self._refuse()
        return b""

    def on_message_begin(self) -> None:
        """Start the timer for the headers at a request's first byte."""
        super().on_message_begin()
        self._has_begun = self._is_in_headers = True
        self._num_header_bytes = 0
        self._start()

    def on_url(self, url: bytes) -> None:
        """Count the address, or a part of it."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Stop the timer for the headers."""
        self._stop()
        self._is_in_headers = False
        if [name for name, _ in self.headers].count(b"host") > 1:
            raise ValueError("a request has one host")
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            self.cycle.transport = cast(
                "asyncio.Transport", JoinedTransport(self.transport, self.loop)
            )
            self._note_request()

    def on_message_complete(self) -> None:
        """Note the end of a request that is being answered."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the timer for reading: the send buffer is full."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timer for reading."""
        self._read_on()
        super().resume_writing()

    @property
    def _is_too_long(self) -> bool:
        return self._num_header_bytes > self.max_header_bytes

    def _note_request(self) -> None:
        while self._unanswered and self._unanswered[0].response_complete:
            self._unanswered.popleft()
        self._unanswered.append(self.cycle)

    def _count(self, size: int) -> None:
        self._num_header_bytes += size
        if self._is_too_long:
            raise ValueError("the headers are too long")

    def _without_offer(self, rest: bytes) -> bytes:
        """A request without its offer of another protocol, for a new parser; empty if it is refused.

        Args:
            rest: What came after its headers.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":  # we are no proxy
            self._refuse()
            return b""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"\r\n".join([*lines, b"", rest])

    def _refuse(self) -> None:
        if self._is_too_long:
            self.transport.write(_TOO_LONG)
            self.transport.close()
        else:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")

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
                self.transport.write(_TOO_SLOW)
            self.transport.close()
