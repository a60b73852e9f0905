"""``/api/coblyn/models``: the available models, the default model, and the one being loaded."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.models.catalogue import CATALOGUE, STARTER, Entry
from coblyn.models.store import path_of
from coblyn.service.picker import Choice, Picker

__all__ = ["routes"]

routes = Routes(scope="admin")

_MODELS = "/api/coblyn/models"


class NamedBody(BaseModel):
    """A body that names a model."""

    name: str = Field(max_length=512, description="A name from the list of models.")


@routes.get(_MODELS, "Models to choose from")
async def models(call: Call) -> Response:
    """Available models, those of the catalogue, and ``work``: the current download, build or load.

    ``work.done`` of ``work.total`` are done, in ``work.unit``. ``failure`` says why the last work failed, until the
    next begins or ``stop`` is sent. ``trouble`` says why a file cannot be loaded.
    """
    picker = call.services.picker
    choices = await asyncio.to_thread(picker.choices)
    entries = await asyncio.to_thread(
        _catalogue, frozenset(choice.item.file_name for choice in choices)
    )
    memory = psutil.virtual_memory()
    return JSONResponse(
        {
            "models": [_choice(choice) for choice in choices],
            "catalogue": entries,
            "can_load": picker.can_load,
            "memory": {"total": memory.total, "available": memory.available},
            **_work(picker),
        }
    )


@routes.get(_MODELS + "/work", "Progress of loading a model")
async def work(call: Call) -> Response:
    """Only ``work`` and ``failure``; cheap enough to poll several times per second."""
    return JSONResponse(_work(call.services.picker))


@routes.post(_MODELS + "/load", "Choose the model that answers", NamedBody, {"name": "smollm2"})
async def load(call: Call) -> Response:
    """Begins to load it, and answers at once. Running requests end with the old model, which stays if loading fails."""
    return _begun(call.services.picker.load(validated(NamedBody, await call.json()).name), call)


@routes.post(_MODELS + "/fetch", "Download a model and choose it", NamedBody, {"name": "smollm2"})
async def fetch(call: Call) -> Response:
    """Takes an alias of the catalogue. The downloaded part is kept if the download ends early."""
    return _begun(call.services.picker.fetch(validated(NamedBody, await call.json()).name), call)


@routes.post(_MODELS + "/unload", "Unload a model", NamedBody, {"name": "smollm2"})
async def unload(call: Call) -> Response:
    """Answers when it is unloaded, after its requests have ended."""
    name = validated(NamedBody, await call.json()).name
    await asyncio.shield(asyncio.create_task(call.services.picker.unload(name)))
    return JSONResponse(_work(call.services.picker))


@routes.post(_MODELS + "/stop", "Stop fetching")
async def stop(call: Call) -> Response:
    """Stops a download or a build, and clears a failure. A load continues."""
    call.services.picker.stop()
    return JSONResponse(_work(call.services.picker))


def _begun(_: object, call: Call) -> Response:
    return JSONResponse(_work(call.services.picker), 202)


def _work(picker: Picker) -> dict[str, Any]:
    doing = picker.work
    failure = doing.failure if doing else None
    told = None
    if doing and failure:
        told = {"name": doing.name, "code": failure.code, "message": str(failure)}
    running = doing.to_json(picker.loaded) if doing and not doing.is_over else None
    return {"work": running, "failure": told}


def _choice(choice: Choice) -> dict[str, Any]:
    item, facts = choice.item, choice.item.facts
    return {
        "name": item.file_name,
        "size": item.size,
        "architecture": facts.architecture,
        "num_parameters": facts.num_parameters,
        "quantization": facts.quantization,
        "state": choice.state,
        "answers": choice.answers,
        "trouble": choice.trouble,
    }


def _catalogue(names: frozenset[str]) -> list[dict[str, Any]]:
    return [_entry(entry, names) for entry in CATALOGUE.values()]


def _entry(entry: Entry, names: frozenset[str]) -> dict[str, Any]:
    """An entry; it is also here if a file of its name was loaded from another folder."""
    return {
        "alias": entry.alias,
        "name": entry.name,
        "size": entry.download_size,
        "license": entry.license,
        "notice": entry.notice,
        "description": entry.description,
        "is_here": entry.name in names or path_of(entry.name).is_file(),
        "is_starter": entry is STARTER,
    }
