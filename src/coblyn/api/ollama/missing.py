"""Parts of Ollama's API that clients ask for and that this server does not have: each says so."""

from __future__ import annotations

from starlette.responses import Response

from coblyn.api.call import Call
from coblyn.api.ollama.errors import NotOffered
from coblyn.api.ollama.listing import NamedInput
from coblyn.api.route import Routes
from coblyn.errors import NotFound

__all__ = ["routes"]

routes = Routes()


@routes.post("/api/embed", "Refused", NamedInput, {"model": "any", "input": "text"})
async def embed(_: Call) -> Response:
    """There are no embeddings yet."""
    raise NotOffered("Embeddings are not supported yet.")


@routes.post("/api/embeddings", "Refused", NamedInput, {"model": "any", "prompt": "text"})
async def embeddings(_: Call) -> Response:
    """There are no embeddings yet."""
    raise NotOffered("Embeddings are not supported yet.")


@routes.get("/api/blobs/{digest}", "Refused")
async def find_blob(_: Call) -> Response:
    """No files that were sent are kept."""
    raise NotFound("Files that are sent are not kept here.")


@routes.post("/api/blobs/{digest}", "Refused", scope="admin")
async def send_blob(_: Call) -> Response:
    """No files are taken."""
    raise NotOffered("Models are not made from files that are sent.")
