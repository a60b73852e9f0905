"""Anthropic's dialect as a value."""

from __future__ import annotations

from coblyn.api.anthropic.errors import anthropic_body, anthropic_event, request_id_header
from coblyn.api.dialect import Dialect
from coblyn.api.late import late

__all__ = ["ANTHROPIC"]

ANTHROPIC = Dialect(
    "anthropic",
    (
        *late(
            "coblyn.api.anthropic.routes",
            "POST /v1/messages",
            "POST /v1/messages/count_tokens",
            "GET /v1/models anthropic-version",
            "GET /v1/models/{name:path} anthropic-version",
        ),
    ),
    owns=lambda path: "/v1/messages" in path,
    error_body=anthropic_body,
    error_headers=request_id_header,
    busy_status=529,
    stream_error=anthropic_event,
)
