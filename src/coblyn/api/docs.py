"""``/docs``: the interactive description of the APIs, without a network.

FastAPI's own page loads its scripts from elsewhere. These come with ``fastapi-offline``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

__all__ = ["describes_body", "install_docs"]

_MODELS: dict[str, type[BaseModel]] = {}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coblyn's APIs</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""

_START = "SwaggerUIBundle({url: 'openapi.json', dom_id: '#swagger-ui', deepLinking: true});\n"

# Swagger UI sets styles on elements and draws icons from data URLs.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


def describes_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """What FastAPI needs to describe a body that a route reads by itself: for ``openapi_extra``."""
    _MODELS[model.__name__] = model
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": bool(example), "content": content}}


def install_docs(app: FastAPI) -> None:
    """Put the page, its files and ``/openapi.json`` into an application."""
    app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        _, bodies = models_json_schema(
            [(model, "validation") for model in _MODELS.values()],
            ref_template="#/components/schemas/{model}",
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas |= json.loads(json.dumps(bodies["$defs"]))
        app.openapi_schema = schema
    return app.openapi_schema


@router.get("/api")
async def api() -> Response:
    """KoboldCPP's address of its API's description."""
    return RedirectResponse("docs")


@router.get("/docs")
async def docs() -> Response:
    """The page."""
    return HTMLResponse(_PAGE, headers={"content-security-policy": _CSP})


@router.get("/docs/start.js")
async def start() -> Response:
    """The script that starts the page: inline scripts are forbidden."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def asset(name: str) -> Response:
    """Files of Swagger UI."""
    if name not in ("swagger-ui.css", "swagger-ui-bundle.js"):
        return Response(status_code=404)
    return FileResponse(Path(str(files("fastapi_offline"))) / "static" / name)
