"""Ollama's dialect as a value."""

from __future__ import annotations

from coblyn.api.dialect import STOP_OR_LENGTH, Dialect
from coblyn.api.framing import NDJSON
from coblyn.api.ollama import embeddings, listing, managing, sending, writing
from coblyn.api.ollama.errors import ollama_body
from coblyn.api.ollama.stream import idle_line

__all__ = ["OLLAMA"]

_ROUTES = (
    *writing.routes,
    *embeddings.routes,
    *listing.routes,
    *managing.routes,
    *sending.routes,
)

OLLAMA = Dialect(
    "ollama",
    _ROUTES,
    owns=lambda path: path.startswith("/api/blobs/"),
    error_body=ollama_body,
    framing=NDJSON,
    streams_unasked=True,
    idle_part=idle_line,
    finish_reasons={**STOP_OR_LENGTH, "tool_calls": "stop"},
)
