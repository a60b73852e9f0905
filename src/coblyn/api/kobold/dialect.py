"""KoboldAI's dialect as a value."""

from __future__ import annotations

from coblyn.api.dialect import Dialect
from coblyn.api.kobold import absent, admin, multiplayer, probes, routes, saves, states
from coblyn.api.kobold.errors import kobold_body, kobold_message
from coblyn.api.later import LaterFields

__all__ = ["KOBOLD"]

KOBOLD = Dialect(
    "kobold",
    (
        *routes.routes,
        *saves.routes,
        *multiplayer.routes,
        *probes.routes,
        *admin.routes,
        *states.routes,
        *absent.routes,
    ),
    owns=lambda path: "/api/" in path,
    error_body=kobold_body,
    stream_error=kobold_message,
    streams_unasked=True,
    aliases={
        "/api/extra/tokenize": "/api/extra/tokencount",
        "/api/latest/generate": "/api/v1/generate",
        "/api/latest/model": "/api/v1/model",
        "/api/latest/config/max_context_length": "/api/v1/config/max_context_length",
        "/api/latest/config/max_length": "/api/v1/config/max_length",
        "/api/latest/config/soft_prompt": "/api/v1/config/soft_prompt",
        "/api/latest/config/soft_prompts_list": "/api/v1/config/soft_prompts_list",
        "/api/latest/info/version": "/api/v1/info/version",
    },
    unsupported=LaterFields,
)
