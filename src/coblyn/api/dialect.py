"""A dialect as a value: everything the application needs to know about an API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from coblyn.api.framing import SSE, Framing
from coblyn.api.late import LateRoute, load_all
from coblyn.api.problem import Problem
from coblyn.api.route import Route
from coblyn.chat.flag import read_flag
from coblyn.errors import BadRequest, Busy

if TYPE_CHECKING:
    from coblyn.api.later import LaterFields, Warnings
    from coblyn.engine.events import Finish
    from coblyn.service.replies import ReplyReason

__all__ = ["STOP_OR_LENGTH", "Dialect"]

STOP_OR_LENGTH: Mapping[ReplyReason, str] = {
    "eos": "stop",
    "stop": "stop",
    "length": "length",
    "cancelled": "stop",
    "tool_calls": "tool_calls",
}
"""OpenAI's finish reasons, which other APIs have adopted."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """An API from the clients' point of view.

    Attributes:
        name: Short name; heading of its routes in ``/docs``.
        routes: Its routes.
        owns: Says whether a path without a route belongs to it, so that errors there have its shape.
        error_body: Makes the JSON of an error.
        aliases: Additional paths, each with the route it stands for.
        framing: The framing of its streams.
        finish_reasons: Its names of the finish reasons.
        unsupported: Gives the model of fields that are not supported yet; None if there are none.
        error_headers: Makes additional headers of an error from its JSON.
        busy_status: HTTP status when the queue is full.
        stream_error: The last part of a stream that failed; None for the JSON of an error.
        streams_unasked: Where a request does not say whether it wants a stream, it gets one if there is one.
        idle_part: A part of a stream that says nothing, from the path and the body of a request, where the framing has
            no comments; None where there is no such part.
    """

    name: str
    routes: tuple[Route | LateRoute, ...]
    owns: Callable[[str], bool]
    error_body: Callable[[Problem], dict[str, Any]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    framing: Framing = SSE
    finish_reasons: Mapping[ReplyReason, str] = field(default_factory=lambda: STOP_OR_LENGTH)
    unsupported: Callable[[], type[LaterFields]] | None = None
    error_headers: Callable[[dict[str, Any]], Mapping[str, str]] = lambda _: {}
    busy_status: int = Busy.status
    stream_error: Callable[[Problem], bytes] | None = None
    streams_unasked: bool = False
    idle_part: Callable[[str, Mapping[str, Any]], bytes] | None = None

    def loaded_routes(self) -> tuple[Route, ...]:
        """Its routes, with all modules imported."""
        return load_all(self.routes)

    def refuse(self, problem: Problem) -> JSONResponse:
        """The answer for an error."""
        body = self.error_body(problem)
        headers = {**dict(problem.headers), **self.error_headers(body)}
        status = self.busy_status if problem.code == Busy.code else problem.status
        return JSONResponse(body, status, headers=headers)

    def error_part(self, problem: Problem) -> bytes:
        """An error as the last part of a stream."""
        if self.stream_error:
            return self.stream_error(problem)
        body = json.dumps(self.error_body(problem), separators=(",", ":"))
        return self.framing.frame(body.encode())

    def wants_stream(self, body: Mapping[str, Any]) -> bool:
        """Whether a request to a route that can stream wants that."""
        try:
            wanted = read_flag(body, "stream")
        except BadRequest:
            return False  # the route refuses it
        return self.streams_unasked if wanted is None else wanted

    def waiting(self, path: str, body: Mapping[str, Any], text: str) -> bytes:
        """A part of a stream that clients skip; empty where there is none.

        Args:
            path: Of the request's route.
            body: Of the request.
            text: What it may say to people.
        """
        if self.idle_part:
            return self.idle_part(path, body)
        return self.framing.comment(text.encode())

    def reason(self, finish: Finish | None) -> str | None:
        """Its name of a finish reason; None while the generation runs."""
        return self.finish_reasons[finish.reason] if finish else None

    def warnings(self, body: dict[str, Any], route: Route | None = None) -> Warnings:
        """Warnings about fields of a body that are ignored.

        Args:
            body: The parsed JSON body.
            route: Its route, whose wire model says which fields it has.
        """
        from coblyn.api.guidance import report_guidance
        from coblyn.api.later import read_leniently
        from coblyn.api.parameters import report_replaced
        from coblyn.api.unheard import report_unheard

        unheard = report_unheard(body, route.body) if route else {}
        ignored = read_leniently(self.unsupported(), body)[1] if self.unsupported else {}
        return {**unheard, **ignored, **report_guidance(body), **report_replaced(body)}
