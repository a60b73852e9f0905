"""Errors in llama-server's format."""

from __future__ import annotations

from typing import Any

from coblyn.api.problem import Problem

__all__ = ["llama_body"]

_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    501: "not_supported_error",
    503: "unavailable_error",
}
_OF_CODE = {
    "prompt_too_long": "exceed_context_size_error",
    "infill_unsupported": "not_supported_error",
}


def llama_body(problem: Problem) -> dict[str, Any]:
    """``{"error".

    {"code", "message", "type"}}``, with the invalid field, or the numbers of a prompt that is too long.
    """
    of_status = "invalid_request_error" if problem.status < 500 else "server_error"
    kind = _OF_CODE.get(problem.code) or _OF_STATUS.get(problem.status, of_status)
    return {
        "error": {
            "code": problem.status,
            "message": problem.message,
            "type": kind,
            **({"param": problem.field} if problem.field else {}),
            **dict(problem.details),
        }
    }
