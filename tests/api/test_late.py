"""Tables of routes whose modules are imported later: they say what the modules have."""

from __future__ import annotations

from importlib import import_module

import pytest

from coblyn.api.app import DIALECTS
from coblyn.api.dialect import Dialect
from coblyn.api.late import LateRoute, late
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
