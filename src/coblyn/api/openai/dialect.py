"""OpenAI's dialect as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.api.dialect import Dialect
from coblyn.api.late import late
from coblyn.api.openai.errors import openai_body

if TYPE_CHECKING:
    from coblyn.api.later import LaterFields

__all__ = ["OPENAI"]


def _not_obeyed() -> type[LaterFields]:
    from coblyn.api.openai.foreign import NotObeyed

    return NotObeyed


OPENAI = Dialect(
    "openai",
    (
        *late(
            "coblyn.api.openai.routes",
            "GET /v1/models",
            "GET /v1/models/{name:path}",
            "POST /v1/completions",
            "POST /v1/chat/completions",
            "POST /v1/chat/completions/input_tokens",
        ),
        *late(
            "coblyn.api.openai.responses.routes",
            "POST /v1/responses",
            "POST /v1/responses/input_tokens",
            "GET /v1/responses/{name}",
            "DELETE /v1/responses/{name}",
            "POST /v1/responses/{name}/cancel",
            "GET /v1/responses/{name}/input_items",
        ),
        *late(
            "coblyn.api.openai.embeddings",
            "POST /v1/embeddings",
        ),
    ),
    owns=lambda path: "/v1/" in path,
    error_body=openai_body,
    aliases={
        "/chat/completions": "/v1/chat/completions",
        "/models": "/v1/models",
        "/responses": "/v1/responses",
    },
    unsupported=_not_obeyed,
)
