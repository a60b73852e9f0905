"""Counts and logs every finished request, without any user text."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coblyn.api.access import caller_of
from coblyn.api.metrics import Metrics
from coblyn.api.paths import Paths
from coblyn.service.request_id import begin_request

__all__ = ["Observer"]

log = logging.getLogger("coblyn.access")

_LEFT = 499
"""Status of a request whose client left before the answer, as in nginx."""


class Observer:
    """Middleware around all others.

    Args:
        app: What answers.
        paths: Finds the dialect of a path.
        metrics: Counts the requests.
    """

    def __init__(self, app: ASGIApp, paths: Paths, metrics: Metrics) -> None:
        self._app = app
        self._paths = paths
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, and record how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, name = time.monotonic(), _LEFT, begin_request()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = (b"x-request-id", name.encode())
                message = {**message, "headers": [*message.get("headers", ()), named]}
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            self._note(scope, status, time.monotonic() - started, name)

    def _note(self, scope: Scope, status: int, seconds: float, name: str) -> None:
        path = scope["path"]
        dialect = self._paths.dialect(path).name
        self._metrics.note_request(dialect, scope["method"], status, seconds)
        if not log.isEnabledFor(logging.INFO):
            return
        caller, client = caller_of(scope), scope.get("client")
        facts = {
            "method": scope["method"],
            "path": path[:200],
            "status": status,
            "seconds": round(seconds, 6),
            "dialect": dialect,
            "key": caller.name if caller else None,
            "client": client[0] if client else None,
            "request": name,
        }
        log.info("%s %s %d", facts["method"], facts["path"], status, extra={"facts": facts})
