"""``/`` on Ollama's port, where its clients check whether it runs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

__all__ = ["root_routes"]


def root_routes(port: int) -> list[Route]:
    """The route of ``/`` on a port; on other ports ``/`` is the page. No routes for port 0.

    Args:
        port: The port on which this server acts as Ollama.
    """
    return [_PortRoute("/", _is_running, port=port)] if port else []


class _PortRoute(Route):
    """A route that only matches requests to its port."""

    def __init__(self, path: str, endpoint: object, *, port: int) -> None:
        super().__init__(path, endpoint)  # type: ignore[arg-type]  # any callable is one
        self._port = port

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request came to this port."""
        server = scope.get("server") or ("", None)
        return super().matches(scope) if server[1] == self._port else (Match.NONE, {})


async def _is_running(_: Request) -> Response:
    return PlainTextResponse("Ollama is running")
