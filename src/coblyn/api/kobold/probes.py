"""What KoboldAI Lite and other pages ask before anything else."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.kobold import shape
from coblyn.api.later import Lenient
from coblyn.api.route import Routes

__all__ = ["routes"]

routes = Routes()


class WebSearchInput(Lenient):
    """Body of ``/api/extra/websearch``."""

    q: str = ""


@routes.get("/api/extra/preloadstory", "Story to begin with")
async def preload_story(call: Call) -> Response:
    """The story that ``preload_story`` names, as KoboldAI Lite saves it; an empty object without one."""
    return Response(call.options.preload_story or "{}", media_type="application/json")


@routes.get("/.well-known/serviceinfo", "Description of this service")
async def service_info(_: Call) -> Response:
    """Which software this is, and which APIs it speaks where."""
    return JSONResponse(shape.service_info())


@routes.get("/ping", "Whether anybody is there")
async def ping(_: Call) -> Response:
    """Always healthy; ``/health`` says more."""
    return JSONResponse({"status": "healthy"})


@routes.post("/api/extra/websearch", "Search the web", WebSearchInput)
async def web_search(_: Call) -> Response:
    """Always empty: this server sends nothing of a story to others."""
    return JSONResponse([])


@routes.post("/api/extra/shutdown", "End the server")
async def shutdown(_: Call) -> Response:
    """Never done: a server that a page could end would take everybody else's work with it."""
    return JSONResponse({"success": False})
