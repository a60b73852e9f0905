"""``/`` on Ollama's own port, where its clients look for a sign that it runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

__all__ = ["root_routes"]


def root_routes(port: int) -> list[Route]:
    """The route of ``/`` on a port; on others it is the page's. None for port 0.

    Args:
        port: Where this server listens as Ollama.
    """
    return [_PortRoute("/", _is_running, port=port)] if port else []


class _PortRoute(Route):
    """A route that leaves requests to other ports to the routes after it."""

    def __init__(self, path: str, endpoint: object, *, port: int) -> None:
        super().__init__(path, endpoint)  # type: ignore[arg-type]  # any callable is one
        self._port = port

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request came to the port."""
        server = scope.get("server") or ("", None)
        return super().matches(scope) if server[1] == self._port else (Match.NONE, {})


async def _is_running(_: Request) -> Response:
    return PlainTextResponse("Ollama is running")
