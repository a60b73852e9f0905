"""The table of what a dialect answers: from it come the application's routes and their description."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel
from starlette.responses import Response

from coblyn.keys.key import Scope

if TYPE_CHECKING:
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
        path: The path; ``{name}`` or ``{name:path}`` stands for a part of it that is filled in.
        handler: What answers; its docstring is the description.
        summary: A few words for the list of all routes.
        body: What the body holds; None where it is not looked at.
        example: A body to try; empty where none is needed.
        can_stream: Whether the answer can be a stream in the dialect's framing.
        header: A header by which clients of this dialect are known, where another dialect has a route at the same path;
            requests without it are the other's. Empty where the path says it all.
        scope: The scope that an API key needs.
        answer: Content type of the answer; empty for an answer without a body.
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

    @property
    def description(self) -> str:
        """What it does, in sentences."""
        return inspect.getdoc(self.handler) or ""


class Routes(list[Route]):
    """Routes as they are written down: ``get``, ``post`` and ``delete`` decorate what answers.

    Args:
        scope: The scope that an API key needs where a route says nothing else.
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
            )
        )

    def _add(self, make: Callable[[Handler], Route]) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            self.append(make(handler))
            return handler

        return decorate
