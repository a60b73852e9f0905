"""KoboldAI Lite at ``/lite``, from a file that the user chose.

The page is one file with inline scripts, which its content security policy has to allow. It may connect to this server
only: its features for other services, such as the AI Horde, do not work from here.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

__all__ = ["LITE_CSP", "lite_routes"]

LITE_CSP = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_MANIFEST = {"name": "KoboldAI Lite", "start_url": "lite?local=1", "display": "standalone"}


def lite_routes(page: Path | None) -> list[Route]:
    """Routes of the page; none without a file.

    Args:
        page: The page's file.
    """
    if page is None:
        return []

    async def send_page(request: Request) -> Response:
        # The page uses this to detect that it was served by its own server.
        if "local" not in request.query_params:
            query = URL(scope=request.scope).include_query_params(local=1).query
            return RedirectResponse(f"lite?{query}")
        headers = {
            "content-security-policy": LITE_CSP,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-cache",
        }
        return FileResponse(page, headers=headers, media_type="text/html; charset=utf-8")

    async def send_manifest(_: Request) -> Response:
        return JSONResponse(_MANIFEST, media_type="application/manifest+json")

    return [Route("/lite", send_page), Route("/manifest.json", send_manifest)]
