"""Errors as Ollama's clients know them."""

from __future__ import annotations

from typing import Any

from coblyn.api.problem import Problem
from coblyn.errors import BadRequest

__all__ = ["NotOffered", "ollama_body"]


class NotOffered(BadRequest):
    """A part of Ollama's API that this server does not have."""

    code = "not_offered"
    status = 501


def ollama_body(problem: Problem) -> dict[str, Any]:
    """``{"error": text}``."""
    return {"error": problem.message}
