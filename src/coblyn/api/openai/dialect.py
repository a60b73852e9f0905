"""OpenAI's dialect as a value."""

from __future__ import annotations

from coblyn.api.dialect import Dialect
from coblyn.api.openai import embeddings
from coblyn.api.openai.errors import openai_body
from coblyn.api.openai.foreign import NotObeyed
from coblyn.api.openai.responses import routes as responses
from coblyn.api.openai.routes import routes

__all__ = ["OPENAI"]

OPENAI = Dialect(
    "openai",
    (*routes, *responses.routes, *embeddings.routes),
    owns=lambda path: "/v1/" in path,
    error_body=openai_body,
    aliases={
        "/chat/completions": "/v1/chat/completions",
        "/models": "/v1/models",
        "/responses": "/v1/responses",
    },
    unsupported=NotObeyed,
)
