"""Finding the route that a client means, as KoboldCPP does: by the end of the path.

``/anything/api/v1/generate``, a trailing slash and some paths without ``/v1`` all work. OPTIONS and
HEAD are answered for every API path.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ALIASES", "SuffixPaths"]

ALIASES = {
    "/completions": "/v1/completions",
    "/chat/completions": "/v1/chat/completions",
    "/models": "/v1/models",
    "/api/extra/tokenize": "/api/extra/tokencount",
    "/api/latest/generate": "/api/v1/generate",
    "/api/latest/model": "/api/v1/model",
    "/api/latest/config/max_context_length": "/api/v1/config/max_context_length",
    "/api/latest/config/max_length": "/api/v1/config/max_length",
    "/api/latest/config/soft_prompt": "/api/v1/config/soft_prompt",
    "/api/latest/config/soft_prompts_list": "/api/v1/config/soft_prompts_list",
    "/api/latest/info/version": "/api/v1/info/version",
}


class SuffixPaths:
    """Middleware that rewrites a path to the API route it ends in.

    Args:
        app: What answers.
        routes: The methods of each API path.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, AbstractSet[str]]) -> None:
        self._app = app
        self._routes = routes
        self._targets = {path: path for path in routes} | ALIASES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request under the path that it means."""
        target = self.resolve(scope["path"]) if scope["type"] == "http" else None
        if target is None:
            await self._app(scope, receive, send)
            return
        methods = self._routes[target]
        if scope["method"] == "OPTIONS" or (scope["method"] == "HEAD" and "GET" not in methods):
            allow = ", ".join(sorted({*methods, "HEAD", "OPTIONS"}))
            await Response(headers={"allow": allow})(scope, receive, send)
            return
        scope = {**scope, "path": target, "raw_path": target.encode()}
        if scope["method"] == "HEAD":
            scope["method"], send = "GET", _without_body(send)
        await self._app(scope, receive, send)

    def resolve(self, path: str) -> str | None:
        """The API path that a path means, or None."""
        path = path.rstrip("/")
        while path:
            if target := self._targets.get(path):
                return target
            start = path.find("/", 1)
            path = path[start:] if start > 0 else ""
        return None


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
