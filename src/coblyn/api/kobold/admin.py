"""Switching models and settings at run time, if ``admin_dir`` allows it."""

from __future__ import annotations

import asyncio
import logging

from pydantic import AliasChoices, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.later import Lenient
from coblyn.api.route import Routes
from coblyn.errors import CoblynError, NotFound
from coblyn.service.admin import INITIAL, UNLOAD
from coblyn.service.services import Services

__all__ = ["routes"]

log = logging.getLogger(__name__)

routes = Routes()

_OFF = "This server changes nothing at run time. Start it with --admin-dir DIRECTORY."


class ReloadInput(Lenient):
    """Body of ``/api/admin/reload_config``."""

    filename: str = Field(default="", description="A name from /api/admin/list_options.")
    baseconfig: str = Field(
        default="",
        validation_alias=AliasChoices("baseconfig", "overrideconfig"),
        description="Settings for what the file does not set.",
    )


@routes.get("/api/admin/list_options", "What can be loaded", scope="admin")
async def list_options(call: Call) -> Response:
    """Names of models and settings that can be loaded; none if that is not allowed."""
    admin = call.services.admin
    return JSONResponse(await asyncio.to_thread(admin.options) if admin else [])


@routes.post(
    "/api/admin/reload_config",
    "Load another model",
    ReloadInput,
    {"filename": "initial_model"},
    scope="admin",
)
async def reload_config(call: Call) -> Response:
    """Answers when it is loaded. Running requests end with the old model, which stays if the file cannot be loaded."""
    body, _ = await call.read(ReloadInput)
    try:
        # Loading continues if the client leaves.
        work = _load(call.services, body.filename, body.baseconfig)
        await asyncio.shield(asyncio.create_task(work, name="coblyn-reload"))
    except CoblynError as error:
        log.warning("%s was not loaded: %s", body.filename, error)
        message = f"{error.message} {error.hint}" if error.hint else error.message
        return JSONResponse({"success": False, "error": message})
    return JSONResponse({"success": True})


async def _load(services: Services, name: str, base: str) -> None:
    if services.admin is None:
        raise NotFound(_OFF)
    if name == UNLOAD:  # it wakes as what it is
        await services.admin.load(name)
        return
    model = services.models.default
    with model.awaiting(model.initial if name == INITIAL else None):
        await services.admin.load(name, base)
