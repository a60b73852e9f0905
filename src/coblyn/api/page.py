"""The web page at ``/``: the built files of the package, or a plain page that says how to get them.

The files are listed once at the start, so that no request's path reaches the file system.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

__all__ = ["CSP", "page_routes"]

# Fixed types: on Windows the guess for scripts comes from the registry, and may be text/plain.
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html"
)
"""The page may only run its own scripts and connect to its own server."""

_SAFE = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_FOREVER = "public, max-age=31536000, immutable"

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Coblyn</title><link rel="icon" href="data:,">
<h1>Coblyn is running</h1>
<p>Its page was not built. <code>pip install .</code> in the source tree builds it; packages from
the Python package index bring it along.</p>
<p>The APIs work without it: see <a href="docs">what they offer</a> and
<a href="health">how the server is</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    gzipped: Path | None
    media_type: str
    is_hashed: bool


def page_routes(web: Path | None) -> list[Route]:
    """Routes of the page.

    Args:
        web: Directory of the built page; None for the one in the package.
    """
    files = _list_files(web or Path(__file__).parent.parent / "web")
    start = _endpoint(files["index.html"]) if "index.html" in files else _not_built
    return [
        Route("/", start),
        *(Route(f"/{name}", _endpoint(file)) for name, file in files.items()),
    ]


def _endpoint(file: _File) -> Callable[[Request], Awaitable[Response]]:
    async def send_file(request: Request) -> Response:
        return _respond(file, request.headers.get("accept-encoding", ""))

    return send_file


async def _not_built(_: Request) -> Response:
    return HTMLResponse(_NOT_BUILT, headers=_SAFE)


def _list_files(web: Path) -> dict[str, _File]:
    found = {
        path.relative_to(web).as_posix(): path for path in sorted(web.rglob("*")) if path.is_file()
    }
    return {
        name: _File(
            path,
            found.get(name + ".gz"),
            _TYPES.get(path.suffix, "application/octet-stream"),
            is_hashed=name.startswith("assets/"),
        )
        for name, path in found.items()
        if not name.endswith(".gz")
    }


def _respond(file: _File, accepted: str) -> FileResponse:
    headers = _SAFE | {
        "cache-control": _FOREVER if file.is_hashed else "no-cache",
        "vary": "accept-encoding",
    }
    if file.gzipped is None or "gzip" not in accepted:
        return FileResponse(file.path, headers=headers, media_type=file.media_type)
    headers["content-encoding"] = "gzip"
    return FileResponse(file.gzipped, headers=headers, media_type=file.media_type)
