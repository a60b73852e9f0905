"""A story shared by several KoboldAI Lite pages, if ``multiplayer`` allows it."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.responses import JSONResponse, PlainTextResponse, Response

from coblyn.api.call import Call
from coblyn.api.later import Lenient
from coblyn.api.route import Routes
from coblyn.errors import BadRequest
from coblyn.service.shared import SharedStory

__all__ = ["routes"]

routes = Routes()

_OFF = "This server shares no story. Start it with --multiplayer."


class SenderInput(Lenient):
    """Body of ``/api/extra/multiplayer/status``."""

    sender: str = Field(default="", description="The client's name for itself.")
    senderbusy: bool = Field(default=False, description="Whether it is about to change the story.")


class StoryInput(Lenient):
    """Body of ``/api/extra/multiplayer/setstory``."""

    full_update: bool = Field(
        default=False, description="Whether it is a different story, not a change of this one."
    )
    data_format: str = Field(default="", description="The client's name for the data format.")
    sender: str = ""
    data: str = Field(default="", description="At most 3 MiB.")


@routes.post("/api/extra/multiplayer/status", "Version of the shared story", SenderInput)
async def status(call: Call) -> Response:
    """The current version, and whether other clients are busy with it."""
    shared = call.services.shared
    if shared is None:
        return JSONResponse({"error": _OFF})
    body, _ = await call.read(SenderInput)
    shared.hear(body.sender, is_busy=body.senderbusy)
    return JSONResponse(_status(call, shared, body.sender))


@routes.post("/api/extra/multiplayer/getstory", "The shared story", answer="text/plain")
async def get_story(call: Call) -> Response:
    """The story as it was sent, as plain text; empty if there is none yet or nothing is shared."""
    shared = call.services.shared
    return PlainTextResponse(shared.data if shared else "")


@routes.post(
    "/api/extra/multiplayer/setstory",
    "Change the shared story",
    StoryInput,
    {"full_update": True, "sender": "me", "data_format": "kcpp_lzma_b64", "data": "AAAA"},
)
async def set_story(call: Call) -> Response:
    """A new version for all clients. Failures have status 400 and the reason in ``error``."""
    shared = call.services.shared
    try:
        if shared is None:
            raise BadRequest(_OFF)
        body, _ = await call.read(StoryInput)
        shared.replace(body.data, body.data_format, is_whole=body.full_update)
    except BadRequest as error:
        return JSONResponse({"success": False, "error": error.message}, error.status)
    return JSONResponse({"success": True, **_status(call, shared, body.sender)})


def _status(call: Call, shared: SharedStory, sender: str) -> dict[str, Any]:
    engine = call.model.engine.status()
    is_idle = shared.is_idle_besides(sender) and not engine.num_running + engine.num_waiting
    return {
        "turn_major": shared.turn.major,
        "turn_minor": shared.turn.minor,
        "idle": int(is_idle),
        "data_format": shared.turn.format,
    }
