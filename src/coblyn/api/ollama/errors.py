"""Errors in Ollama's format."""

from __future__ import annotations

from typing import Any

from coblyn.api.problem import Problem

__all__ = ["ollama_body"]


def ollama_body(problem: Problem) -> dict[str, Any]:
    """``{"error": text}``."""
    return {"error": problem.message}
