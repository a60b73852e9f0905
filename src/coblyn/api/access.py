"""Authentication: API keys, in every form in which the dialects' clients send them.

Programs on this machine need no key unless the user requires one. Requests through a proxy count as remote, even if the
proxy runs on this machine.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from coblyn.api.paths import Paths
from coblyn.api.problem import Problem
from coblyn.errors import Unauthorized
from coblyn.keys.key import ApiKey, find
from coblyn.service.caller import CALLER, LOCAL, Caller

__all__ = ["CallerFinder", "KeyGuard", "caller_of"]

_PLACE = "coblyn.caller"

_KEY_HEADERS = ("x-api-key", "api-key", "apikey", "x-goog-api-key")
_KEY_FIELDS = frozenset({"api_key", "apikey", "key"})

_FORWARDED = frozenset(
    {
        "cf-connecting-ip",
        "forwarded",
        "tailscale-user-login",
        "true-client-ip",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
    }
)
"""Headers added by proxies and tunnels."""


def caller_of(scope: Scope) -> Caller | None:
    """The caller of a request; None if it is not authenticated."""
    caller: Caller | None = scope.get(_PLACE)
    return caller


class CallerFinder:
    """Middleware that determines the caller for everything after it.

    Args:
        app: The wrapped application.
        keys: Gives the currently valid keys.
        requires_key: Whether programs on this machine need one too.
    """

    def __init__(
        self, app: ASGIApp, keys: Callable[[], tuple[ApiKey, ...]], *, requires_key: bool
    ) -> None:
        self._app = app
        self._keys = keys
        self._requires_key = requires_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store the caller in the scope, and call the application."""
        if scope["type"] == "http":
            scope[_PLACE] = self._find(scope)
        await self._app(scope, receive, send)

    def _find(self, scope: Scope) -> Caller | None:
        headers = Headers(scope=scope)
        keys = self._keys()
        if keys:
            for secret in _secrets(headers, scope["query_string"]):
                if key := find(keys, secret):
                    return Caller.of(key)
        # Clients that always send a key send an arbitrary one to servers that need none.
        is_here = _is_of_this_machine(scope) and _FORWARDED.isdisjoint(headers.keys())
        return LOCAL if is_here and not self._requires_key else None


class KeyGuard:
    """Middleware that refuses requests without a valid key where one is required.

    Args:
        app: The wrapped application.
        paths: Finds the dialect whose error shape applies.
    """

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request on behalf of its caller, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = caller_of(scope)
        if caller is None:
            dialect = self._paths.dialect(scope["path"])
            await dialect.refuse(_problem(Headers(scope=scope)))(scope, receive, send)
            return
        token = CALLER.set(caller)
        try:
            await self._app(scope, receive, send)
        finally:
            CALLER.reset(token)


def _problem(headers: Headers) -> Problem:
    error = Unauthorized(
        "This server requires an API key, and the request has no valid one.",
        hint="Send one as `Authorization: Bearer KEY`; `coblyn key add NAME` on the server makes one.",
    )
    problem = Problem.of(error)
    # A browser asks its user for the key as a password, with any user name, and sends it from then on.
    is_page = "text/html" in headers.get("accept", "")
    challenge = 'Basic realm="Coblyn: any name, and an API key", charset="UTF-8"'
    way = ("www-authenticate", challenge if is_page else "Bearer")
    return Problem(problem.status, problem.code, problem.message, headers=(way,))


def _secrets(headers: Headers, query: bytes) -> Iterator[bytes]:
    """All keys that a request carries, in any form."""
    for value in headers.getlist("authorization"):
        yield from _authorization(value)
    for name in _KEY_HEADERS:
        for value in headers.getlist(name):
            yield value.strip().encode("latin-1")
    if query:
        for field, value in parse_qsl(query.decode("latin-1"), errors="surrogateescape"):
            if field in _KEY_FIELDS:
                yield value.encode(errors="surrogateescape")


def _authorization(value: str) -> Iterator[bytes]:
    scheme, _, rest = value.strip().partition(" ")
    if not rest:
        yield scheme.encode("latin-1")
    elif scheme.lower() != "basic":
        yield rest.strip().encode("latin-1")
    else:
        try:
            name, _, password = base64.b64decode(rest, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return
        yield password or name


def _is_of_this_machine(scope: Scope) -> bool:
    client, server = scope.get("client"), scope.get("server")
    if client is None:  # a UNIX socket, which has no port, or a client that has left
        return server is not None and server[1] is None
    return _is_loopback(client[0])


@lru_cache(maxsize=256)
def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
