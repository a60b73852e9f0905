"""Paths that KoboldAI Lite and other pages request at their start."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import Field
from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.kobold import shape
from coblyn.api.later import Lenient
from coblyn.api.route import Routes
from coblyn.constraints.schema_gbnf import gbnf_of_schema
from coblyn.errors import ConstraintRefused

__all__ = ["routes"]

routes = Routes()


class WebSearchInput(Lenient):
    """Body of ``/api/extra/websearch``."""

    q: str = ""


class SchemaInput(Lenient):
    """Body of ``/api/extra/json_to_grammar``."""

    wanted: Any = Field(default=None, alias="schema", description="An object, or its JSON text.")


@routes.get("/api/extra/preloadstory", "Story to begin with")
async def preload_story(call: Call) -> Response:
    """The story that ``preload_story`` names, in KoboldAI Lite's format; an empty object if there is none."""
    return Response(call.options.preload_story or "{}", media_type="application/json")


@routes.get("/.well-known/serviceinfo", "Description of this service")
async def service_info(_: Call) -> Response:
    """The name and version of this software, and its APIs with their paths."""
    return JSONResponse(shape.service_info())


@routes.get("/ping", "Whether the server runs")
async def ping(_: Call) -> Response:
    """Always healthy; ``/health`` says more."""
    return JSONResponse({"status": "healthy"})


@routes.post(
    "/api/extra/json_to_grammar",
    "JSON schema to GBNF",
    SchemaInput,
    {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}},
)
async def json_to_grammar(call: Call) -> Response:
    """A grammar for texts that match the schema. If a keyword cannot be expressed, ``error`` has its place.

    A request may also carry the schema itself; then more keywords are enforced.
    """
    body, _ = await call.read(SchemaInput)
    try:
        schema = json.loads(body.wanted) if isinstance(body.wanted, str) else body.wanted
        grammar = await asyncio.to_thread(gbnf_of_schema, schema)
    except (ConstraintRefused, ValueError, RecursionError) as error:
        message = error.message if isinstance(error, ConstraintRefused) else "It is not JSON."
        return JSONResponse({"result": "", "success": False, "error": message})
    return JSONResponse({"result": grammar, "success": True})


@routes.post("/api/extra/websearch", "Search the web", WebSearchInput)
async def web_search(call: Call) -> Response:
    """Up to three pages, each with its text about the query; none if ``web_search`` does not allow it."""
    body, _ = await call.read(WebSearchInput)
    web = call.services.web
    found = await call.wait(web.search(body.q)) if web else []
    pages = [
        {"title": p.title, "url": p.url, "desc": p.description, "content": p.content} for p in found
    ]
    return JSONResponse(pages)


@routes.post("/api/extra/shutdown", "End the server")
async def shutdown(_: Call) -> Response:
    """Always refused: a page must not be able to end the server for all other clients."""
    return JSONResponse({"success": False})
