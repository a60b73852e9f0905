"""Tables of routes whose modules are imported later: they say what the modules have."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import pytest
from starlette.responses import Response

from asgi import Client
from coblyn.api.app import DIALECTS, create_app, import_dialects
from coblyn.api.call import Call
from coblyn.api.dialect import Dialect
from coblyn.api.late import LateRoute, RoutesBroken, late
from coblyn.api.openai.dialect import OPENAI
from coblyn.api.route import Route
from factories import SteppedEngine
from test_import import modules_after


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_table_has_the_routes_of_its_modules(dialect: Dialect) -> None:
    tables: dict[str, list[tuple[str, str, str]]] = {}
    for route in dialect.routes:
        if isinstance(route, LateRoute):
            entry = (route.method, route.path, route.header)
            tables.setdefault(route.module, []).append(entry)
    for module, table in tables.items():
        routes = import_module(module).routes
        assert table == [(route.method, route.path, route.header) for route in routes], module
    assert [route.path for route in dialect.loaded_routes()] == [r.path for r in dialect.routes]


def test_a_route_that_is_in_no_module_is_found_out() -> None:
    (wrong,) = late("coblyn.api.health", "POST /health")
    with pytest.raises(LookupError, match=r"coblyn\.api\.health has no route"):
        wrong.load()


def test_the_application_imports_no_dialects_routes_and_no_stories() -> None:
    imported = modules_after("import coblyn.api.app")
    late_ones = {
        route.module
        for dialect in DIALECTS
        for route in dialect.routes
        if isinstance(route, LateRoute)
    }
    assert len(late_ones) > 20
    others = {"coblyn.story.state", "coblyn.service.stories", "regex"}
    assert imported & (late_ones | others) == set()


async def test_a_module_that_cannot_be_imported_costs_its_own_paths_only(
    engine: SteppedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = late("broken_of_tests", "GET /v1/broken")
    dialect = replace(OPENAI, routes=(*OPENAI.routes, *broken))
    others = [other for other in DIALECTS if other is not OPENAI]
    import_dialects([dialect])
    client = Client(create_app(engine, dialects=(dialect, *others)))
    for _ in range(2):
        refused = await client.get("/v1/broken")
        assert refused.status == RoutesBroken.status
        assert "broken_of_tests cannot be imported" in refused.json["error"]["message"]
        assert refused.json["error"]["code"] == "routes_broken"
    assert (await client.get("/v1/models")).status == 200
    described = (await client.get("/openapi.json")).json["paths"]
    assert "/v1/broken" not in described
    assert "/v1/models" in described
    health = await client.get("/health")
    assert (health.status, health.json["status"]) == (200, "ok")
    assert "No module named" in health.json["broken"]["broken_of_tests"]
    module = SimpleNamespace(routes=[Route("GET", "/v1/broken", answer, "Say")])
    monkeypatch.setitem(sys.modules, "broken_of_tests", module)
    assert (await client.get("/v1/broken")).status == 200
    assert "broken" not in (await client.get("/health")).json


async def answer(call: Call) -> Response:
    return call.answer({}, {})
