"""Routes that are known by their paths before what answers them is imported: a server is ready sooner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from threading import Lock
from typing import cast

from coblyn.api.route import Method, Route

__all__ = ["LateRoute", "late", "load_all"]

_importing = Lock()
"""Modules are imported one after the other: two threads that meet in a circle of imports see half a module."""


@dataclass(frozen=True, slots=True)
class LateRoute:
    """A route as it stands in the table of its dialect.

    Attributes:
        method: As in ``Route``.
        path: As in ``Route``.
        header: As in ``Route``.
        module: Name of the module whose ``routes`` have it.
    """

    method: Method
    path: str
    header: str
    module: str

    def load(self) -> Route:
        """The route itself. It may take a tenth of a second.

        Raises:
            LookupError: The module has no such route; a test keeps tables and modules the same.
        """
        with _importing:
            routes: list[Route] = import_module(self.module).routes
        wanted = (self.method, self.path, self.header)
        for route in routes:
            if (route.method, route.path, route.header) == wanted:
                return route
        raise LookupError(f"{self.module} has no route {wanted}.")


def late(module: str, *lines: str) -> tuple[LateRoute, ...]:
    """The routes of a module, a line each: ``POST /path``, and behind it the header that it wants, if any."""
    return tuple(_late(module, *line.split()) for line in lines)


def _late(module: str, method: str, path: str, header: str = "") -> LateRoute:
    return LateRoute(cast("Method", method), path, header, module)


def load_all(routes: Iterable[Route | LateRoute]) -> tuple[Route, ...]:
    """The routes themselves."""
    return tuple(route.load() if isinstance(route, LateRoute) else route for route in routes)
