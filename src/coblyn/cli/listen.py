"""The HTTP server of ``coblyn serve``: its start and its end."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from coblyn.api.protocol import TimedProtocol
from coblyn.cli.tls import Tls
from coblyn.engine.fleet import Fleet

__all__ = ["Server"]

_LAST_WORDS_SECONDS = 1.0
"""Seconds for the last events and answers to be sent, and then for their tasks to end."""


class Server(uvicorn.Server):
    """uvicorn with a graceful end that informs all clients. It does not handle signals.

    Args:
        app: The application.
        fleet: The engines, which are drained at the end.
        drain_seconds: Seconds for running requests after ``end``.
        header_seconds: Maximum time for a request's headers.
        write_seconds: Maximum time for which a client may leave an answer unread.
        tls: Files of the certificate and of its key for HTTPS; None for HTTP.
        on_ready: Called when it listens.
    """

    def __init__(
        self,
        app: Any,
        fleet: Fleet,
        *,
        drain_seconds: float,
        header_seconds: float = TimedProtocol.header_seconds,
        write_seconds: float = TimedProtocol.write_seconds,
        tls: Tls | None = None,
        on_ready: Callable[[], object],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=type(
                    "Protocol",
                    (TimedProtocol,),
                    {"header_seconds": header_seconds, "write_seconds": write_seconds},
                ),
                ssl_certfile=tls.cert if tls else None,
                ssl_keyfile=tls.key if tls else None,
                # Callers are identified by keys, not by proxy headers.
                proxy_headers=False,
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
            )
        )
        self._fleet = fleet
        self._drain_seconds = drain_seconds
        self._on_ready = on_ready

    def end(self) -> None:
        """Stop listening, and end running requests."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not capture signals."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let running requests end within the allowed time, and send errors to all others."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        self._fleet.drain()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if not await self._is_idle(self._drain_seconds):
            self._fleet.abandon()
            await self._is_idle(_LAST_WORDS_SECONDS)
        # Remaining clients do not read, or wait for something that will not be sent.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self._is_idle(_LAST_WORDS_SECONDS)
        # Remaining tasks are cancelled with the loop, without a report.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await self.lifespan.shutdown()

    async def _is_idle(self, seconds: float) -> bool:
        """Wait until all connections are closed. Gives whether that happened in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.server_state.connections or self.server_state.tasks:
            if loop.time() >= end:
                return False
            await asyncio.sleep(0.02)
        return True
