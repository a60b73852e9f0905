"""A dialect's table of routes, from which the application's routes and their description are made."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import Response

from coblyn.keys.key import Scope

if TYPE_CHECKING:
    from pydantic import BaseModel

    from coblyn.api.call import Call

__all__ = ["Handler", "Method", "Route", "Routes"]

Handler = Callable[["Call"], Awaitable[Response]]
JSON = "application/json"
Method = Literal["GET", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        method: GET, for which HEAD is answered too, POST or DELETE.
        path: The path; ``{name}`` and ``{name:path}`` are parameters.
        handler: The handler; its docstring is the description.
        summary: A few words for the list of all routes.
        body: The wire model of the body; None if it is not read.
        example: A body to try; empty if none is needed.
        can_stream: Whether the answer can be a stream in the dialect's framing.
        header: A header that identifies this dialect's clients if another dialect has a route at the same path;
            requests without it go to the other route. Empty if the path is unique.
        scope: The scope that an API key needs.
        answer: Content type of the answer; empty for an answer without a body.
        takes: Content type of a body that is a file; empty for others.
    """

    method: Method
    path: str
    handler: Handler
    summary: str
    body: type[BaseModel] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    can_stream: bool = False
    header: str = ""
    scope: Scope = "generate"
    answer: str = JSON
    takes: str = ""

    @property
    def description(self) -> str:
        """The description of the route."""
        return inspect.getdoc(self.handler) or ""


class Routes(list[Route]):
    """Collects routes: ``get``, ``post`` and ``delete`` decorate handlers.

    Args:
        scope: Default scope that an API key needs.
    """

    def __init__(self, scope: Scope = "generate") -> None:
        super().__init__()
        self._scope = scope

    def delete(
        self,
        path: str,
        summary: str,
        body: type[BaseModel] | None = None,
        example: Mapping[str, Any] | None = None,
        *,
        scope: Scope | None = None,
        answer: str = JSON,
    ) -> Callable[[Handler], Handler]:
        """Answer DELETE."""
        return self._add(
            lambda handler: Route(
                "DELETE",
                path,
                handler,
                summary,
                body,
                example or {},
                scope=scope or self._scope,
                answer=answer,
            )
        )

    def get(
        self,
        path: str,
        summary: str,
        *,
        header: str = "",
        scope: Scope | None = None,
        answer: str = JSON,
    ) -> Callable[[Handler], Handler]:
        """Answer GET."""
        return self._add(
            lambda handler: Route(
                "GET",
                path,
                handler,
                summary,
                header=header,
                scope=scope or self._scope,
                answer=answer,
            )
        )

    def post(
        self,
        path: str,
        summary: str,
        body: type[BaseModel] | None = None,
        example: Mapping[str, Any] | None = None,
        *,
        can_stream: bool = False,
        scope: Scope | None = None,
        answer: str = JSON,
        takes: str = "",
    ) -> Callable[[Handler], Handler]:
        """Answer POST."""
        return self._add(
            lambda handler: Route(
                "POST",
                path,
                handler,
                summary,
                body,
                example or {},
                can_stream,
                scope=scope or self._scope,
                answer=answer,
                takes=takes,
            )
        )

    def _add(self, make: Callable[[Handler], Route]) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            self.append(make(handler))
            return handler

        return decorate
