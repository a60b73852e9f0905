"""``/docs``: the interactive description of the APIs, without a network.

The files of Swagger UI lie in the package ``fastapi-offline``, which is never imported: it would bring FastAPI along.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from coblyn.api.dialect import Dialect
from coblyn.api.openapi import describe

__all__ = ["docs_routes"]

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coblyn's APIs</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""

# Inline scripts are forbidden.
_START = "SwaggerUIBundle({url: 'openapi.json', dom_id: '#swagger-ui', deepLinking: true});\n"

# Swagger UI sets styles on elements and draws icons from data URLs.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def docs_routes(dialects: Sequence[Dialect]) -> list[Route]:
    """Routes of the page, its files and ``/openapi.json``."""
    description = cache(partial(describe, dialects))

    async def openapi(_: Request) -> Response:
        return JSONResponse(description())

    return [
        Route("/openapi.json", openapi),
        Route("/api", _redirect),  # KoboldCPP's address of its API's description
        Route("/docs", _page),
        Route("/docs/start.js", _start),
        Route("/docs/{name}", _asset),
    ]


async def _redirect(_: Request) -> Response:
    return RedirectResponse("docs")


async def _page(_: Request) -> Response:
    return HTMLResponse(_PAGE, headers={"content-security-policy": _CSP})


async def _start(_: Request) -> Response:
    return Response(_START, media_type="text/javascript")


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ("swagger-ui.css", "swagger-ui-bundle.js"):
        raise HTTPException(404)
    return FileResponse(_assets() / name)


@cache
def _assets() -> Path:
    spec = find_spec("fastapi_offline")
    assert spec is not None, "a dependency of this package"
    assert spec.origin is not None, "it is no namespace"
    return Path(spec.origin).parent / "static"
