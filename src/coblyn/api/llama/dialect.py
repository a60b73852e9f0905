"""llama-server's dialect as a value."""

from __future__ import annotations

from coblyn.api.dialect import Dialect
from coblyn.api.llama import generation, routes
from coblyn.api.llama.errors import llama_body
from coblyn.api.llama.wire import NotObeyed

__all__ = ["LLAMA"]

LLAMA = Dialect(
    "llama-server",
    (*generation.routes, *routes.routes),
    owns=lambda _: False,
    error_body=llama_body,
    aliases={"/completions": "/completion"},
    unsupported=NotObeyed,
)
