"""Files that models are made of, sent as Ollama's clients do it: by their digest, before ``/api/create`` names them."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from coblyn.api.body import parts_of
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.errors import NotFound
from coblyn.models.sent import Incoming, is_here

__all__ = ["routes"]

routes = Routes(scope="admin")

_BLOB = "/api/blobs/{digest}"
_AT_ONCE = 4 << 20
"""Bytes that are written at once."""


@routes.get(_BLOB, "Whether a file was sent", answer="")
async def find_blob(call: Call) -> Response:
    """The answer has no body: 200 for a file that is here, 404 for another."""
    digest = call.request.path_params["digest"]
    if not await asyncio.to_thread(is_here, digest):
        raise NotFound(f"{digest} was not sent.")
    return Response()


@routes.post(_BLOB, "Send a file", answer="", takes="application/octet-stream")
async def send_blob(call: Call) -> Response:
    """A GGUF file as the body, of any size; ``files`` of ``/api/create`` makes a model of it."""
    digest = call.request.path_params["digest"]
    if await asyncio.to_thread(is_here, digest):
        return Response()
    declared = call.request.headers.get("content-length", "0")
    size = int(declared) if declared.isdecimal() else 0
    with await asyncio.to_thread(Incoming, digest, size) as incoming:
        waiting = bytearray()
        async for part in parts_of(call.request, call.options):
            waiting += part
            if len(waiting) >= _AT_ONCE:
                await asyncio.to_thread(incoming.write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(incoming.write, bytes(waiting))
        await asyncio.to_thread(incoming.finish)
    return Response(status_code=201)
