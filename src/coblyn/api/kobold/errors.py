"""Errors as KoboldCPP's clients know them."""

from __future__ import annotations

from typing import Any

from coblyn.api.problem import Problem

__all__ = ["kobold_body"]

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
    """``{"detail": {"msg", "type"}}``, with the field that is wrong if there is one."""
    detail = {"msg": problem.message, "type": _TYPES.get(problem.status, "server_error")}
    if problem.field:
        detail["field"] = problem.field
    return {"detail": detail}
