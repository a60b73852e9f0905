"""Protection against foreign web pages.

A browser lets any page send requests to any address, including this server, and only hides the *answer* from a foreign
page. So it is not enough to omit CORS headers: a foreign page's request would still run the model. Requests that change
something and come from a foreign page are refused here unless the page's origin is on the list.

A foreign page whose host name was changed to point to this machine (DNS rebinding) also sees the answers, and its
simple reads carry no origin. It is recognized by the host name: every request without a key must name this machine, or
the host of an origin on the list. Such a page has no key, since browsers store keys per host name.
"""

from __future__ import annotations

import ipaddress
import logging
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from coblyn.api.access import caller_of
from coblyn.api.paths import Paths
from coblyn.api.problem import Problem
from coblyn.service.caller import LOCAL

__all__ = ["OriginGuard"]

log = logging.getLogger(__name__)

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_TOLD = 100


class OriginGuard:
    """Middleware that refuses requests of foreign web pages. Programs send no origin and pass.

    Args:
        app: The wrapped application.
        paths: Finds the dialect whose error shape applies.
        origins: Allowed foreign origins; ``*`` for all.
    """

    def __init__(self, app: ASGIApp, paths: Paths, origins: tuple[str, ...]) -> None:
        self._app = app
        self._paths = paths
        self._origins = frozenset(origins)
        self._hosts = frozenset(urlsplit(origin).netloc for origin in origins)
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
            return
        self._tell(problem.message)
        await self._paths.dialect(scope["path"]).refuse(problem)(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        if "*" in self._origins:
            return None
        headers = Headers(scope=scope)
        # Browsers report whether page and server have the same origin, on secure and on local connections. Behind a
        # proxy that renames the host, only they know.
        site = headers.get("sec-fetch-site")
        host = headers.get("host", "")
        is_own_page = site in ("same-origin", "none")
        if caller_of(scope) is LOCAL and not is_own_page and not self._is_known(host):
            return _refused(
                "foreign_host", f"{host} is not a name of this server.", f"http://{host}"
            )
        origin = headers.get("origin")
        if origin is None or self._is_welcome(origin, site, host):
            return None
        # Browsers send a preflight for most requests; if it is refused, the request is never sent.
        is_question = "access-control-request-method" in headers
        if scope["method"] in _HARMLESS and not is_question:
            return None
        return _refused("foreign_origin", f"Web pages of {origin} may not use this server.", origin)

    def _is_known(self, host: str) -> bool:
        # Old HTTP clients send no Host header; browsers always do.
        return not host or host in self._hosts or _is_own_name(_name(host))

    def _is_welcome(self, origin: str, site: str | None, host: str) -> bool:
        if origin in self._origins:
            return True
        if site is not None:
            return site in ("same-origin", "none")
        return urlsplit(origin).netloc == host

    def _tell(self, message: str) -> None:
        """Log the refusal once, since the page itself often only shows that the request failed."""
        if message not in self._told and len(self._told) < _MAX_TOLD:
            self._told.add(message)
            log.warning("Refused: %s", message)


def _refused(code: str, sentence: str, origin: str) -> Problem:
    return Problem(403, code, f"{sentence} To allow them, start it with: --origin {origin}")


def _name(host: str) -> str:
    """The name in a Host header, without its port, brackets and final dot; empty if it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


@lru_cache(maxsize=256)
def _is_own_name(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
