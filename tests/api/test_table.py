"""Routes that are found by their path: the same ones that Starlette finds by asking each."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from coblyn.api.table import by_path


def named(name: str, path: str, method: str) -> Route:
    async def answer(_: Request) -> Response:
        return PlainTextResponse(name)

    return Route(path, answer, methods=[method])


ROUTES = [
    named("list", "/models", "GET"),
    named("one", "/models/{name}", "GET"),
    named("add", "/models", "POST"),
    named("count", "/models/count", "POST"),
    named("shadowed", "/models", "GET"),
]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/models", (200, "list")),
        ("POST", "/models", (200, "add")),
        ("HEAD", "/models", (200, "")),
        ("GET", "/models/a", (200, "one")),
        ("POST", "/models/count", (200, "count")),
        ("GET", "/models/count", (200, "one")),
        ("DELETE", "/models", (405, "Method Not Allowed")),
        ("POST", "/models/a", (405, "Method Not Allowed")),
        ("GET", "/models/", (200, "list")),
        ("GET", "/nothing", (404, "Not Found")),
    ],
)
def test_the_same_route_answers(method: str, path: str, expected: tuple[int, str]) -> None:
    for routes in (ROUTES, by_path(ROUTES)):
        answer = TestClient(Router(routes)).request(method, path)
        assert (answer.status_code, answer.text) == expected
