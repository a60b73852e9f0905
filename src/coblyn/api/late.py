"""Routes that are known by their paths before what answers them is imported: a server is ready sooner."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from threading import Lock
from typing import cast

from coblyn.api.route import Method, Route
from coblyn.errors import CoblynError

__all__ = ["LateRoute", "RoutesBroken", "broken_modules", "late", "load_all"]

log = logging.getLogger(__name__)

_importing = Lock()
"""Modules are imported one after the other: two threads that meet in a circle of imports see half a module."""

_broken: dict[str, str] = {}


class RoutesBroken(CoblynError):
    """The module of some routes cannot be imported; the others are not affected."""

    code = "routes_broken"
    status = 503


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
            RoutesBroken: The module cannot be imported.
            LookupError: The module has no such route; a test keeps tables and modules the same.
        """
        wanted = (self.method, self.path, self.header)
        for route in _routes_of(self.module):
            if (route.method, route.path, route.header) == wanted:
                return route
        raise LookupError(f"{self.module} has no route {wanted}.")


def late(module: str, *lines: str) -> tuple[LateRoute, ...]:
    """The routes of a module, a line each: ``POST /path``, and behind it the header that it wants, if any."""
    return tuple(_late(module, *line.split()) for line in lines)


def _late(module: str, method: str, path: str, header: str = "") -> LateRoute:
    return LateRoute(cast("Method", method), path, header, module)


def load_all(routes: Iterable[Route | LateRoute]) -> tuple[Route, ...]:
    """The routes themselves, without those whose modules cannot be imported."""
    loaded = []
    for route in routes:
        with suppress(RoutesBroken):
            loaded.append(route.load() if isinstance(route, LateRoute) else route)
    return tuple(loaded)


def broken_modules() -> Mapping[str, str]:
    """The modules that could not be imported when they were last needed, with the reasons."""
    return dict(_broken)


def _routes_of(module: str) -> list[Route]:
    with _importing:
        try:
            routes: list[Route] = import_module(module).routes
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            if _broken.get(module) != reason:
                log.exception("%s cannot be imported; its paths are refused", module)
            _broken[module] = reason
            raise RoutesBroken(
                f"This path cannot be used: {module} cannot be imported ({reason}).",
                hint="Install Coblyn again, then restart the server.",
            ) from error
        _broken.pop(module, None)
    return routes
