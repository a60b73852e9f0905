"""Parts of Ollama's API that this server does not have; each answers with an error."""

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
    """Always refused: uploaded files are not kept."""
    raise NotFound("Uploaded files are not kept.")


@routes.post("/api/blobs/{digest}", "Refused", scope="admin")
async def send_blob(_: Call) -> Response:
    """Always refused: uploads are not supported."""
    raise NotOffered("Models are not made from files that are sent.")
