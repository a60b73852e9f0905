"""The HTTP server of ``coblyn serve``: how it begins, and how it ends."""

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
"""For the last events and answers to go out, and then for their tasks to end."""


class Server(uvicorn.Server):
    """uvicorn, which ends so that everybody is told. Signals are not its business.

    Args:
        app: What answers.
        fleet: What generates; it is told of the end.
        drain_seconds: How long what runs may go on after ``end``.
        header_seconds: How long the headers of a request may take.
        write_seconds: How long a client may leave an answer unread.
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
                # Who asks is decided by keys, and not by what a header says.
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
        """Stop listening, and end what runs."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what runs end within the time that the settings allow, and tell everybody else."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        self._fleet.drain()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if not await self._is_idle(self._drain_seconds):
            self._fleet.abandon()
            await self._is_idle(_LAST_WORDS_SECONDS)
        # Who is left does not read, or waits for what nobody will send.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self._is_idle(_LAST_WORDS_SECONDS)
        # What even now goes on is cancelled with the loop, and that is nothing to report.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await self.lifespan.shutdown()

    async def _is_idle(self, seconds: float) -> bool:
        """Wait until nobody is served any longer; whether that came in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.server_state.connections or self.server_state.tasks:
            if loop.time() >= end:
                return False
            await asyncio.sleep(0.02)
        return True
