"""llama-server's dialect as a value."""

from __future__ import annotations

from coblyn.api.dialect import Dialect
from coblyn.api.llama import adapters, embeddings, generation, routes, slots
from coblyn.api.llama.errors import llama_body
from coblyn.api.llama.wire import NotObeyed

__all__ = ["LLAMA"]

LLAMA = Dialect(
    "llama-server",
    (*generation.routes, *routes.routes, *embeddings.routes, *adapters.routes, *slots.routes),
    owns=lambda _: False,
    error_body=llama_body,
    aliases={
        "/completions": "/completion",
        "/embeddings": "/embedding",
        "/rerank": "/v1/rerank",
        "/reranking": "/v1/rerank",
        "/v1/reranking": "/v1/rerank",
    },
    unsupported=NotObeyed,
)
