"""Features of KoboldCPP that Coblyn lacks: image, voice and music generation. Lists are empty, and work is refused."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Handler, Route
from coblyn.errors import NotFound

__all__ = ["routes"]

_LISTS: Mapping[str, tuple[str, object]] = {
    "/sdapi/v1/sd-models": ("Image models", []),
    "/sdapi/v1/samplers": ("Image samplers", []),
    "/sdapi/v1/schedulers": ("Image schedulers", []),
    "/sdapi/v1/loras": ("Image adapters", []),
    "/sdapi/v1/upscalers": ("Image upscalers", []),
    "/sdapi/v1/latent-upscale-modes": ("Image upscalers", []),
    "/sdapi/v1/options": ("Image options", {"samples_format": "png"}),
    "/api/extra/speakers_list": ("Voices", {"results": []}),
    "/speakers_list": ("Voices", []),
    "/speakers": ("Voices", []),
}
"""The path of each list, with its summary and content."""

_PICTURES, _VOICES, _MUSIC = "make or read pictures", "speak or listen", "make music"

_WORK: Mapping[str, str] = {
    "/sdapi/v1/txt2img": _PICTURES,
    "/sdapi/v1/img2img": _PICTURES,
    "/sdapi/v1/interrogate": _PICTURES,
    "/sdapi/v1/upscale": _PICTURES,
    "/sdapi/v1/extra-single-image": _PICTURES,
    "/api/extra/transcribe": _VOICES,
    "/api/extra/tts": _VOICES,
    "/tts_to_audio": _VOICES,
    "/api/extra/music/prepare": _MUSIC,
    "/api/extra/music/generate": _MUSIC,
}
"""The path of each kind of work, and its name."""


def _empty(answer: object) -> Handler:
    async def send_empty(_: Call) -> Response:
        """Always empty: not supported by this server."""
        return JSONResponse(answer)

    return send_empty


def _refusal(work: str) -> Handler:
    async def refuse(_: Call) -> Response:
        """Always refused, with status 404."""
        raise NotFound(f"This server does not {work}; it generates text.")

    return refuse


routes = (
    *(Route("GET", path, _empty(answer), what) for path, (what, answer) in _LISTS.items()),
    *(Route("POST", path, _refusal(work), f"Not here: {work}") for path, work in _WORK.items()),
)
