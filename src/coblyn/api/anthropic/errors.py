"""Errors in Anthropic's format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from coblyn.api.framing import SSE
from coblyn.api.problem import Problem
from coblyn.service.request_id import request_id

__all__ = ["anthropic_body", "anthropic_event", "request_id_header"]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def anthropic_body(problem: Problem) -> dict[str, Any]:
    """``{"type": "error", "error": {"type", "message"}, "request_id"}``."""
    is_callers = 400 <= problem.status < 500
    kind = _TYPES.get(problem.status, "invalid_request_error" if is_callers else "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": _message(problem)},
        "request_id": request_id(),
    }


def anthropic_event(problem: Problem) -> bytes:
    """The event that ends a stream."""
    return SSE.frame(json.dumps(anthropic_body(problem), separators=(",", ":")).encode(), b"error")


def _message(problem: Problem) -> str:
    """The message; for a prompt that is too long it begins with the words by which clients know to compact."""
    numbers = dict(problem.details)
    num_prompt, context = numbers.get("n_prompt_tokens"), numbers.get("n_ctx")
    if problem.code != "prompt_too_long" or not num_prompt or not context:
        return problem.message
    return f"prompt is too long: {num_prompt} tokens > {context - 1} maximum. {problem.message}"


def request_id_header(body: Mapping[str, Any]) -> dict[str, str]:
    """The header with the request id of an error."""
    return {"request-id": body["request_id"]}
