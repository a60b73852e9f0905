"""The routes of ``/docs`` and ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

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

__all__ = ["docs_routes"]

_HERE = Path(__file__).parent
_SAFE = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def docs_routes(dialects: Sequence[Dialect]) -> list[Route]:
    """Routes of the page, its files and ``/openapi.json``."""

    @cache
    def description() -> dict[str, Any]:
        from coblyn.api.openapi import (
            describe,  # pydantic and all routes are loaded when someone asks
        )

        return describe(dialects)

    @cache
    def text() -> str:
        from coblyn.api.docs.sheet import render  # Jinja is imported when the page is requested

        return render(description())

    async def openapi(_: Request) -> Response:
        return JSONResponse(description())

    async def page(_: Request) -> Response:
        return HTMLResponse(text(), headers=_SAFE)

    return [
        Route("/openapi.json", openapi),
        Route("/api", _redirect),  # KoboldCPP's path of its API description
        Route("/docs", page),
        Route("/docs/page.css", _style),
        Route("/docs/page.js", _script),
    ]


async def _redirect(_: Request) -> Response:
    return RedirectResponse("docs")


async def _style(_: Request) -> Response:
    return FileResponse(_HERE / "page.css", media_type="text/css", headers=_SAFE)


async def _script(_: Request) -> Response:
    return FileResponse(_HERE / "page.js", media_type="text/javascript", headers=_SAFE)
