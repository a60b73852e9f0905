"""What KoboldCPP does and Coblyn does not: pictures, voices and music. Lists are empty, and work is refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Handler, Route
from coblyn.errors import NotFound

__all__ = ["routes"]

_LISTS: Mapping[str, tuple[str, object]] = {
    "/sdapi/v1/sd-models": ("Models of pictures", []),
    "/sdapi/v1/samplers": ("Samplers of pictures", []),
    "/sdapi/v1/schedulers": ("Schedulers of pictures", []),
    "/sdapi/v1/loras": ("Adapters of pictures", []),
    "/sdapi/v1/upscalers": ("Upscalers of pictures", []),
    "/sdapi/v1/latent-upscale-modes": ("Upscalers of pictures", []),
    "/sdapi/v1/options": ("Options of pictures", {"samples_format": "png"}),
    "/api/extra/speakers_list": ("Voices", {"results": []}),
    "/speakers_list": ("Voices", []),
    "/speakers": ("Voices", []),
}
"""The path of each list, and what it is of and holds."""

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
"""The path of each kind of work, and what it is."""


def _empty(answer: object) -> Handler:
    async def send_empty(_: Call) -> Response:
        """Always empty: this server has none."""
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
