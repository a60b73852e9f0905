"""Which web pages may use this server.

A browser sends what a page asks for to any address, this one too, and only keeps the *answer* from
a foreign page. So it is not enough to give no CORS headers: a foreign page's request would still
run the model. Requests that change something and come from a foreign page are refused here, unless
the page's origin is on the list.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from coblyn.api.errors import problem_response
from coblyn.api.problem import Problem

__all__ = ["OriginGuard"]

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class OriginGuard:
    """Middleware that refuses what foreign web pages ask for. Programs send no origin and pass.

    Args:
        app: What answers.
        origins: Foreign origins that are welcome; ``*`` for all.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http" or scope["method"] in _HARMLESS or self._is_welcome(scope):
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin", "")
        problem = Problem(
            403,
            "foreign_origin",
            f"Web pages of {origin} may not use this server. "
            "Start it with that origin on its list of allowed origins to change this.",
        )
        await problem_response(scope["path"], problem)(scope, receive, send)

    def _is_welcome(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        # Browsers say themselves whether page and server belong together; behind a proxy that
        # renames the host only they can know. They say it on secure and on local connections.
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        # Else it is a plain connection. A name that is not this machine's own could be a foreign page
        # whose name was pointed here after it was loaded (DNS rebinding).
        address = urlsplit(origin)
        return address.netloc == headers.get("host") and _is_own_name(address.hostname or "")


def _is_own_name(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
