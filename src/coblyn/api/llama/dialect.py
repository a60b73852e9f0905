"""llama-server's dialect as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.api.dialect import Dialect
from coblyn.api.late import late
from coblyn.api.llama.errors import llama_body

if TYPE_CHECKING:
    from coblyn.api.later import LaterFields

__all__ = ["LLAMA"]


def _not_obeyed() -> type[LaterFields]:
    from coblyn.api.llama.wire import NotObeyed

    return NotObeyed


LLAMA = Dialect(
    "llama-server",
    (
        *late(
            "coblyn.api.llama.generation",
            "POST /completion",
            "POST /infill",
        ),
        *late(
            "coblyn.api.llama.routes",
            "POST /tokenize",
            "POST /detokenize",
            "POST /apply-template",
            "GET /props",
        ),
        *late(
            "coblyn.api.llama.embeddings",
            "POST /embedding",
            "POST /v1/rerank",
        ),
        *late(
            "coblyn.api.llama.adapters",
            "GET /lora-adapters",
            "POST /lora-adapters",
        ),
        *late(
            "coblyn.api.llama.slots",
            "GET /slots",
            "POST /slots/{id}",
        ),
    ),
    owns=lambda _: False,
    error_body=llama_body,
    aliases={
        "/completions": "/completion",
        "/embeddings": "/embedding",
        "/rerank": "/v1/rerank",
        "/reranking": "/v1/rerank",
        "/v1/reranking": "/v1/rerank",
    },
    unsupported=_not_obeyed,
)
