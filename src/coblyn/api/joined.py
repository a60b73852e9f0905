"""Writes the head of an answer together with the beginning of its body."""

from __future__ import annotations

import asyncio

__all__ = ["JoinedTransport"]


class JoinedTransport:
    """What an answer is written to.

    uvicorn writes head and body one after the other, and each write is a call of the system that wakes the client.

    Args:
        transport: The connection.
        loop: Its event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._is_sent = False

    def write(self, data: bytes) -> None:
        """Write; the head waits for the next write, but no longer than until the loop's next turn.

        Nothing is written to a connection that is lost, of which an answer learns only in the loop's next turn.
        """
        if self._is_sent or self._is_interim(data):
            self._send(data)
        elif self._head:
            self._is_sent = True
            self._send(self._head + data)
        else:
            self._head = data
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Close the connection when all is written."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or is being closed."""
        return self._transport.is_closing()

    def _is_interim(self, data: bytes) -> bool:
        return not self._head and data.startswith(b"HTTP/1.1 100 ")

    def _flush(self) -> None:
        if self._head and not self._is_sent:
            self._is_sent = True
            self._send(self._head)

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
