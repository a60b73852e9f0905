"""Every error as an answer, in the shape of the dialect that was spoken to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from coblyn.api.kobold.errors import kobold_body
from coblyn.api.openai.errors import openai_body
from coblyn.api.problem import Problem
from coblyn.errors import CoblynError, EngineError

__all__ = ["install_error_handlers", "problem_response"]

log = logging.getLogger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Let all errors of an application be answered in its dialects."""
    app.add_exception_handler(CoblynError, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_bug)


def problem_response(path: str, problem: Problem) -> JSONResponse:
    """An answer in the dialect that lives under a path."""
    body = _body_of(path)(problem)
    return JSONResponse(body, problem.status, headers=dict(problem.headers))


def _body_of(path: str) -> Callable[[Problem], dict[str, Any]]:
    is_openai = path.startswith("/v1/") or ("/v1/" in path and "/api/" not in path)
    return openai_body if is_openai else kobold_body


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CoblynError), "registered for this class"
    # What befell the engine was logged when it happened, and not once more for everybody who waited.
    if error.status >= 500 and not isinstance(error, EngineError):
        log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem_response(request.url.path, Problem.of(error))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "registered for this class"
    path, status = request.url.path, error.status_code
    code, message = str(error.detail).lower().replace(" ", "_"), f"{error.detail}: {path}"
    if status == 404:
        message = f"There is nothing at {path}. The page /docs lists what there is."
    if status == 405:
        message = f"{path} does not answer to {request.method}."
    headers = tuple((error.headers or {}).items())
    return problem_response(path, Problem(status, code, message, headers=headers))


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError), "registered for this class"
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    problem = Problem(400, "bad_request", f"{field}: {first['msg']}.", field)
    return problem_response(request.url.path, problem)


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises the error again after this answer, so that the server logs it.
    message = f"Coblyn failed: {type(error).__name__}. See its log."
    problem = Problem(500, "internal", message, headers=(("connection", "close"),))
    return problem_response(request.url.path, problem)
