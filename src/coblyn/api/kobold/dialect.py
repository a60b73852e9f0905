"""KoboldAI's dialect as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.api.dialect import Dialect
from coblyn.api.kobold.errors import kobold_body, kobold_message
from coblyn.api.late import late

if TYPE_CHECKING:
    from coblyn.api.later import LaterFields

__all__ = ["KOBOLD"]


def _unsupported() -> type[LaterFields]:
    from coblyn.api.later import LaterFields

    return LaterFields


KOBOLD = Dialect(
    "kobold",
    (
        *late(
            "coblyn.api.kobold.routes",
            "POST /api/v1/generate",
            "POST /request",
            "POST /api/extra/generate/stream",
            "GET /api/extra/generate/check",
            "POST /api/extra/generate/check",
            "POST /api/coblyn/plan",
            "POST /api/coblyn/sample",
            "POST /api/extra/abort",
            "GET /api/extra/last_logprobs",
            "POST /api/extra/last_logprobs",
            "POST /api/extra/tokencount",
            "POST /api/extra/embeddings",
            "POST /api/extra/detokenize",
            "GET /api/extra/version",
            "GET /api/extra/perf",
            "GET /api/v1/info/version",
            "GET /api/v1/model",
            "GET /api/v1/config/max_context_length",
            "GET /api/extra/true_max_context_length",
            "GET /api/v1/config/max_length",
            "GET /api/v1/config/soft_prompt",
            "POST /api/v1/config/soft_prompt",
            "GET /api/v1/config/soft_prompts_list",
        ),
        *late(
            "coblyn.api.kobold.saves",
            "POST /api/extra/data/list",
            "POST /api/extra/data/load",
            "POST /api/extra/data/save",
        ),
        *late(
            "coblyn.api.kobold.multiplayer",
            "POST /api/extra/multiplayer/status",
            "POST /api/extra/multiplayer/getstory",
            "POST /api/extra/multiplayer/setstory",
        ),
        *late(
            "coblyn.api.kobold.probes",
            "GET /api/extra/preloadstory",
            "GET /.well-known/serviceinfo",
            "GET /ping",
            "POST /api/extra/json_to_grammar",
            "POST /api/extra/websearch",
            "POST /api/extra/shutdown",
        ),
        *late(
            "coblyn.api.kobold.admin",
            "GET /api/admin/list_options",
            "POST /api/admin/reload_config",
        ),
        *late(
            "coblyn.api.kobold.states",
            "POST /api/admin/check_state",
            "POST /api/admin/save_state",
            "POST /api/admin/load_state",
            "POST /api/admin/clear_state",
        ),
        *late(
            "coblyn.api.kobold.absent",
            "GET /sdapi/v1/sd-models",
            "GET /sdapi/v1/samplers",
            "GET /sdapi/v1/schedulers",
            "GET /sdapi/v1/loras",
            "GET /sdapi/v1/upscalers",
            "GET /sdapi/v1/latent-upscale-modes",
            "GET /sdapi/v1/options",
            "GET /api/extra/speakers_list",
            "GET /speakers_list",
            "GET /speakers",
            "POST /sdapi/v1/txt2img",
            "POST /sdapi/v1/img2img",
            "POST /sdapi/v1/interrogate",
            "POST /sdapi/v1/upscale",
            "POST /sdapi/v1/extra-single-image",
            "POST /api/extra/transcribe",
            "POST /api/extra/tts",
            "POST /tts_to_audio",
            "POST /api/extra/music/prepare",
            "POST /api/extra/music/generate",
        ),
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
    unsupported=_unsupported,
)
