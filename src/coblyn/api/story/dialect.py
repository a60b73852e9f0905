"""The stories' API as a dialect."""

from __future__ import annotations

from typing import Any

from coblyn.api.dialect import Dialect
from coblyn.api.problem import Problem
from coblyn.api.story import reading, routes

__all__ = ["STORY"]


def story_body(problem: Problem) -> dict[str, Any]:
    """``{"error": {"code", "message"}}``, and the invalid field if there is one."""
    error = {"code": problem.code, "message": problem.message}
    return {"error": error | ({"field": problem.field} if problem.field else {})}


STORY = Dialect(
    "stories",
    (*routes.routes, *reading.routes),
    owns=lambda path: path.startswith(
        ("/api/coblyn/stories", "/api/coblyn/library", "/api/coblyn/lore")
    ),
    error_body=story_body,
)
"""Stories over HTTP: Coblyn's own API, for the page and for programs."""
