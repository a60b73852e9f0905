"""Anthropic's dialect as a value."""

from __future__ import annotations

from coblyn.api.anthropic.errors import anthropic_body, anthropic_event, request_id_header
from coblyn.api.anthropic.routes import routes
from coblyn.api.dialect import Dialect

__all__ = ["ANTHROPIC"]

ANTHROPIC = Dialect(
    "anthropic",
    tuple(routes),
    owns=lambda path: "/v1/messages" in path,
    error_body=anthropic_body,
    error_headers=request_id_header,
    busy_status=529,
    stream_error=anthropic_event,
)
