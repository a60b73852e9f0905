"""``/openapi.json``: the dialects' tables of routes as a machine-readable description."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from coblyn import __version__
from coblyn.api.dialect import Dialect
from coblyn.api.problem import Problem
from coblyn.api.route import Route

__all__ = ["describe"]

DESCRIPTION = "Text from the model that is loaded, over KoboldAI's and over OpenAI's API."

_PART = re.compile(r"\{(\w+)(?::\w+)?\}")
_SCHEMAS = "#/components/schemas/"
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
"""How remote clients send a key; those on this machine need none."""
_PROBLEM = Problem(400, "bad_request", "What is wrong, and what to do.", "the_field")


def describe(dialects: Sequence[Dialect]) -> dict[str, Any]:
    """A description of all routes (OpenAPI 3.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for dialect in dialects:
        for route in dialect.loaded_routes():
            if route.header:
                continue  # the same path is described by the dialect without this header
            path = _PART.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(dialect, route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Coblyn", "description": DESCRIPTION, "version": __version__},
        "paths": paths,
        "components": {
            "schemas": _schemas(route for d in dialects for route in d.loaded_routes()),
            "securitySchemes": _KEYS,
        },
        "security": [{}, *({name: []} for name in _KEYS)],
    }


def _operation(dialect: Dialect, route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [dialect.name],
        "summary": route.summary,
        "description": route.description,
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
    }
    if route.scope != "generate":
        operation["x-coblyn-scope"] = route.scope
    if names := _PART.findall(route.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if route.body is not None:
        schema = {"$ref": _SCHEMAS + route.body.__name__}
        content = {"application/json": {"schema": schema, "example": dict(route.example)}}
        operation["requestBody"] = {"required": bool(route.example), "content": content}
    elif route.takes:
        file = {"type": "string", "format": "binary"}
        operation["requestBody"] = {"required": True, "content": {route.takes: {"schema": file}}}
    return operation | {"responses": _responses(dialect, route)}


def _responses(dialect: Dialect, route: Route) -> dict[str, Any]:
    answers: dict[str, Any] = {route.answer: {}} if route.answer else {}
    if route.can_stream:
        answers[dialect.framing.media_type] = {}
    error = {"application/json": {"example": dialect.error_body(_PROBLEM)}}
    content = {"content": answers} if answers else {}
    return {
        "200": {"description": "The answer.", **content},
        "default": {"description": "An error in this API's shape.", "content": error},
    }


def _schemas(routes: Iterable[Route]) -> dict[str, Any]:
    models = dict.fromkeys(route.body for route in routes if route.body is not None)
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template=_SCHEMAS + "{model}"
    )
    return dict(schemas["$defs"]) if models else {}
