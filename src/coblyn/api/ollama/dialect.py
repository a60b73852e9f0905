"""Ollama's dialect as a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.api.dialect import STOP_OR_LENGTH, Dialect
from coblyn.api.framing import NDJSON
from coblyn.api.late import late
from coblyn.api.ollama.errors import ollama_body

__all__ = ["OLLAMA"]


def _idle_line(path: str, body: Mapping[str, Any]) -> bytes:
    from coblyn.api.ollama.stream import idle_line

    return idle_line(path, body)


OLLAMA = Dialect(
    "ollama",
    (
        *late(
            "coblyn.api.ollama.writing",
            "POST /api/generate",
            "POST /api/chat",
        ),
        *late(
            "coblyn.api.ollama.embeddings",
            "POST /api/embed",
            "POST /api/embeddings",
        ),
        *late(
            "coblyn.api.ollama.listing",
            "GET /api/version",
            "GET /api/tags",
            "GET /api/ps",
            "POST /api/show",
        ),
        *late(
            "coblyn.api.ollama.managing",
            "POST /api/create",
            "POST /api/copy",
            "DELETE /api/delete",
            "POST /api/pull",
            "POST /api/push",
        ),
        *late(
            "coblyn.api.ollama.sending",
            "GET /api/blobs/{digest}",
            "POST /api/blobs/{digest}",
        ),
    ),
    owns=lambda path: path.startswith("/api/blobs/"),
    error_body=ollama_body,
    framing=NDJSON,
    streams_unasked=True,
    idle_part=_idle_line,
    finish_reasons={**STOP_OR_LENGTH, "tool_calls": "stop"},
)
