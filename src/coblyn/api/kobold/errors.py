"""Errors in KoboldCPP's format."""

from __future__ import annotations

import json
from typing import Any

from coblyn.api.framing import SSE
from coblyn.api.problem import Problem

__all__ = ["kobold_body", "kobold_message"]

_TYPES = {
    400: "bad_input",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "bad_input",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
}


def kobold_body(problem: Problem) -> dict[str, Any]:
    """``{"detail": {"msg", "type"}}``, with Coblyn's own code, and the invalid field if there is one."""
    kind = _TYPES.get(problem.status, "server_error")
    detail = {"msg": problem.message, "type": kind, "code": problem.code}
    if problem.field:
        detail["field"] = problem.field
    return {"detail": detail}


def kobold_message(problem: Problem) -> bytes:
    """The message that ends a stream, with the reason where clients look for it."""
    told = {
        "token": "",
        "finish_reason": "error",
        "error": problem.message,
        "type": problem.code,
    }
    return SSE.frame(json.dumps(told).encode(), b"message")
