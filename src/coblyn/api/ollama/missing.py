"""Parts of Ollama's API that clients ask for and that this server does not have: each says so."""

from __future__ import annotations

from starlette.responses import Response

from coblyn.api.call import Call
from coblyn.api.ollama.errors import NotOffered
from coblyn.api.route import Routes
from coblyn.errors import NotFound

__all__ = ["routes"]

routes = Routes()


@routes.get("/api/blobs/{digest}", "Refused")
async def find_blob(_: Call) -> Response:
    """No files that were sent are kept."""
    raise NotFound("Files that are sent are not kept here.")


@routes.post("/api/blobs/{digest}", "Refused", scope="admin")
async def send_blob(_: Call) -> Response:
    """No files are taken."""
    raise NotOffered("Models are not made from files that are sent.")
