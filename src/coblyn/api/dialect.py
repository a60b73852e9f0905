"""A dialect as a value: all that the application has to know of an API that it speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse

from coblyn.api.framing import SSE, Framing
from coblyn.api.later import LaterFields, Warnings, read_leniently
from coblyn.api.problem import Problem
from coblyn.api.route import Route
from coblyn.engine.events import Finish
from coblyn.errors import Busy
from coblyn.service.replies import ReplyReason

__all__ = ["STOP_OR_LENGTH", "Dialect"]

STOP_OR_LENGTH: Mapping[ReplyReason, str] = {
    "eos": "stop",
    "stop": "stop",
    "length": "length",
    "cancelled": "stop",
    "tool_calls": "tool_calls",
}
"""OpenAI's words for how a generation ended, which other APIs have taken over."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """An API as its clients know it.

    Attributes:
        name: Short name, under which its routes stand in ``/docs``.
        routes: What it answers.
        owns: Whether a path that is not a route is meant for it, and errors there have its shape.
        error_body: The JSON of an error.
        aliases: Further paths, each with the route that it means.
        framing: How the parts of a stream are told apart.
        finish_reasons: Its words for how a generation ended.
        unsupported: Fields that its clients send and that are not obeyed yet; None if there are none.
        error_headers: Further headers of an error, from its JSON.
        busy_status: HTTP status of a refusal because the queue is full.
    """

    name: str
    routes: tuple[Route, ...]
    owns: Callable[[str], bool]
    error_body: Callable[[Problem], dict[str, Any]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = SSE
    finish_reasons: Mapping[ReplyReason, str] = field(default_factory=lambda: STOP_OR_LENGTH)
    unsupported: type[LaterFields] | None = None
    error_headers: Callable[[dict[str, Any]], Mapping[str, str]] = lambda _: {}
    busy_status: int = Busy.status

    def refuse(self, problem: Problem) -> JSONResponse:
        """An error as an answer."""
        body = self.error_body(problem)
        headers = {**dict(problem.headers), **self.error_headers(body)}
        status = self.busy_status if problem.code == Busy.code else problem.status
        return JSONResponse(body, status, headers=headers)

    def reason(self, finish: Finish | None) -> str | None:
        """Its word for how a generation ended; None while it has not."""
        return self.finish_reasons[finish.reason] if finish else None

    def warnings(self, body: dict[str, Any]) -> Warnings:
        """The fields of a body that are not obeyed."""
        return read_leniently(self.unsupported, body)[1] if self.unsupported else {}
