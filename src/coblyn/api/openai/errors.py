"""Errors in OpenAI's format."""

from __future__ import annotations

from typing import Any

from coblyn.api.problem import Problem

__all__ = ["openai_body"]

_CODES = {"prompt_too_long": "context_length_exceeded", "unknown_model": "model_not_found"}


_TYPES = {403: "permission_error", 429: "rate_limit_error", 503: "unavailable_error"}


def openai_body(problem: Problem) -> dict[str, Any]:
    """``{"error": {"message", "type", "param", "code"}}``, and llama-server's numbers if there are any."""
    of_status = "invalid_request_error" if 400 <= problem.status < 500 else "server_error"
    return {
        "error": {
            "message": problem.message,
            "type": _TYPES.get(problem.status, of_status),
            "param": problem.field or None,
            "code": _CODES.get(problem.code, problem.code),
            **dict(problem.details),
        }
    }
