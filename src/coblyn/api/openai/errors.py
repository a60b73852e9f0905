"""Errors as OpenAI's clients know them."""

from __future__ import annotations

from typing import Any

from coblyn.api.problem import Problem

__all__ = ["openai_body"]

_CODES = {"prompt_too_long": "context_length_exceeded", "unknown_model": "model_not_found"}


def openai_body(problem: Problem) -> dict[str, Any]:
    """``{"error": {"message", "type", "param", "code"}}``, and llama-server's numbers where there are any."""
    is_callers = 400 <= problem.status < 500
    return {
        "error": {
            "message": problem.message,
            "type": "invalid_request_error" if is_callers else "server_error",
            "param": problem.field or None,
            "code": _CODES.get(problem.code, problem.code),
            **dict(problem.details),
        }
    }
