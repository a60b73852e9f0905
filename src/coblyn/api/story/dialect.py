"""The stories' API as a dialect."""

from __future__ import annotations

from typing import Any

from coblyn.api.dialect import Dialect
from coblyn.api.late import late
from coblyn.api.problem import Problem

__all__ = ["STORY"]


def story_body(problem: Problem) -> dict[str, Any]:
    """``{"error": {"code", "message"}}``, and if there are ones, the invalid field and the message as a phrase."""
    error: dict[str, Any] = {"code": problem.code, "message": problem.message}
    if problem.field:
        error["field"] = problem.field
    if problem.said:
        error["said"] = problem.said.to_json()
    return {"error": error}


STORY = Dialect(
    "stories",
    (
        *late(
            "coblyn.api.story.routes",
            "GET /api/coblyn/stories",
            "POST /api/coblyn/stories",
            "GET /api/coblyn/stories/{id}",
            "POST /api/coblyn/stories/{id}/operations",
            "GET /api/coblyn/stories/{id}/operations",
            "GET /api/coblyn/stories/{id}/steps",
            "POST /api/coblyn/stories/{id}/undo",
            "POST /api/coblyn/stories/{id}/redo",
            "GET /api/coblyn/stories/{id}/events",
            "GET /api/coblyn/stories/{id}/export",
            "POST /api/coblyn/stories/{id}/card",
            "GET /api/coblyn/stories/{id}/portrait",
            "POST /api/coblyn/stories/{id}/import",
            "POST /api/coblyn/stories/{id}/trash",
            "POST /api/coblyn/stories/{id}/restore",
            "GET /api/coblyn/library/search",
            "POST /api/coblyn/library/import",
            "POST /api/coblyn/library/preview",
            "POST /api/coblyn/library/empty-trash",
            "GET /api/coblyn/library/backup",
        ),
        *late(
            "coblyn.api.story.reading",
            "POST /api/coblyn/stories/{id}/context",
            "POST /api/coblyn/lore",
        ),
    ),
    owns=lambda path: path.startswith(
        ("/api/coblyn/stories", "/api/coblyn/library", "/api/coblyn/lore")
    ),
    error_body=story_body,
)
"""Stories over HTTP: Coblyn's own API, for the page and for programs."""
