"""Stories that KoboldAI Lite saves on the server, if ``data_slots`` allows it."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field, field_validator
from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.later import Lenient
from coblyn.api.route import Routes
from coblyn.errors import BadRequest
from coblyn.service.slots import Saved

__all__ = ["routes"]

routes = Routes()

_OFF = "This server keeps no stories. Start it with --data-slots."


class SlotInput(Lenient):
    """Body of ``/api/extra/data/load``."""

    slot: int = 0


class SaveInput(Lenient):
    """Body of ``/api/extra/data/save``."""

    slot: int = Field(default=0, description="0 to 11.")
    title: str = ""
    format: str = Field(default="", description="The client's name for the data format.")
    data: str = Field(default="", description="At most 10 MiB; empty data empties the slot.")

    @field_validator("slot", mode="before")
    @classmethod
    def _require_slot(cls, value: Any) -> Any:
        # A default would overwrite a slot by accident.
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise BadRequest("slot must be a number.", field="slot") from None

    @field_validator("data", mode="before")
    @classmethod
    def _require_text(cls, value: Any) -> Any:
        # A default would empty the slot.
        if not isinstance(value, str):
            raise BadRequest("data must be a text.", field="data")
        return value


@routes.post("/api/extra/data/list", "Saved stories")
async def titles(call: Call) -> Response:
    """The titles of the twelve slots, empty for empty slots; an empty list if saving is off."""
    slots = call.services.slots
    return JSONResponse(await asyncio.to_thread(slots.titles) if slots else [])


@routes.post("/api/extra/data/load", "Load a saved story", SlotInput, {"slot": 0})
async def load(call: Call) -> Response:
    """The content of a slot; ``data`` is null if it is empty."""
    body, _ = await call.read(SlotInput)
    slots = call.services.slots
    saved = await asyncio.to_thread(slots.load, body.slot) if slots else None
    data = saved and {"title": saved.title, "format": saved.format, "data": saved.data}
    return JSONResponse({"success": saved is not None, "data": data})


@routes.post(
    "/api/extra/data/save",
    "Save a story",
    SaveInput,
    {"slot": 0, "format": "kcpp_lzma_b64", "title": "Untitled", "data": "AAAA"},
)
async def save(call: Call) -> Response:
    """Fill a slot. Failures have status 400 and the reason in ``error``."""
    slots = call.services.slots
    try:
        if slots is None:
            raise BadRequest(_OFF)
        body, _ = await call.read(SaveInput)
        saved = Saved(body.title, body.format, body.data)
        await asyncio.to_thread(slots.save, body.slot, saved)
    except BadRequest as error:
        return JSONResponse({"success": False, "error": error.message}, error.status)
    return JSONResponse({"success": True, "error": ""})
