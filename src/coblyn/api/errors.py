"""Converts every error to an answer in the shape of the request's dialect."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from coblyn.api.dialect import Dialect
from coblyn.api.paths import Paths
from coblyn.api.problem import Problem
from coblyn.errors import CoblynError, EngineError

__all__ = ["answer_error", "error_handlers"]

log = logging.getLogger(__name__)

Handlers = dict[Any, Callable[[Request, Any], Awaitable[Response]]]


def answer_error(dialect: Dialect, request: Request, error: CoblynError) -> Response:
    """Answer an error of a route in its dialect's shape."""
    # Failures of the engine were logged when they happened, not once more per waiting request.
    if error.status >= 500 and not isinstance(error, EngineError):
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return dialect.refuse(Problem.of(error))


def error_handlers(paths: Paths) -> Handlers:
    """Handlers of errors outside of routes, for an application's ``exception_handlers``."""

    async def on_http(request: Request, error: HTTPException) -> Response:
        return paths.dialect(request.url.path).refuse(_problem(request, error))

    async def on_bug(request: Request, error: Exception) -> Response:
        # Starlette raises the error again after this answer, so that the server logs it.
        message = f"Coblyn failed: {type(error).__name__}. See its log."
        problem = Problem(500, "internal", message, headers=(("connection", "close"),))
        return paths.dialect(request.url.path).refuse(problem)

    return {HTTPException: on_http, Exception: on_bug}


def _problem(request: Request, error: HTTPException) -> Problem:
    path, status = request.url.path, error.status_code
    code, message = str(error.detail).lower().replace(" ", "_"), f"{error.detail}: {path}"
    if status == 404:
        message = f"There is nothing at {path}. The page /docs lists all paths."
    if status == 405:
        message = f"{path} does not accept {request.method}."
    return Problem(status, code, message, headers=tuple((error.headers or {}).items()))
