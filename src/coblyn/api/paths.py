"""Finds routes by the end of a path, as KoboldCPP does.

``/anything/api/v1/generate``, a trailing slash and some paths without ``/v1`` all work. OPTIONS and
HEAD are answered for every API path.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coblyn.api.dialect import Dialect
from coblyn.api.late import LateRoute
from coblyn.api.route import Route

__all__ = ["Paths", "SuffixPaths"]


class Paths:
    """The paths of all dialects.

    Args:
        dialects: The dialects; the last owns every path.
    """

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = dialects
        self._methods: dict[str, set[str]] = {}
        self._targets: dict[str, str] = {}
        self._speakers: dict[str, Dialect] = {}
        for dialect in dialects:
            for route in dialect.routes:
                self._add(dialect, route)
            self._targets |= dialect.aliases

    def _add(self, dialect: Dialect, route: Route | LateRoute) -> None:
        if "{" in route.path or route.header:
            return
        owner = self._speakers.setdefault(route.path, dialect)
        assert owner is dialect, f"{route.path} is {owner.name}'s and {dialect.name}'s"
        self._targets[route.path] = route.path
        self._methods.setdefault(route.path, set()).add(route.method)

    def resolve(self, path: str) -> str | None:
        """The API path that a path stands for, or None."""
        path = path.rstrip("/")
        while path:
            if target := self._targets.get(path):
                return target
            start = path.find("/", 1)
            path = path[start:] if start > 0 else ""
        return None

    def methods(self, target: str) -> AbstractSet[str]:
        """The methods of an API path."""
        return self._methods[target]

    def dialect(self, path: str) -> Dialect:
        """The dialect for errors at a path: that of its route, or else the first that owns it."""
        target = self.resolve(path)
        if target is not None:
            return self._speakers[target]
        return next(dialect for dialect in self._dialects if dialect.owns(path))


class SuffixPaths:
    """Middleware that rewrites a path to the API route it ends in.

    Args:
        app: The wrapped application.
        paths: All known paths.
    """

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request under its API path."""
        target = self._paths.resolve(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._app(scope, receive, send)
            return
        methods = self._paths.methods(target)
        if scope["method"] == "OPTIONS" or (scope["method"] == "HEAD" and "GET" not in methods):
            allow = ", ".join(sorted({*methods, "HEAD", "OPTIONS"}))
            await Response(headers={"allow": allow})(scope, receive, send)
            return
        scope = {**scope, "path": target, "raw_path": target.encode()}
        if scope["method"] == "HEAD":
            scope["method"], send = "GET", _without_body(send)
        await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
