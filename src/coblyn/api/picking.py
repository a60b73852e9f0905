"""``/api/coblyn/models``: which models are here, which one answers, and the one that is on its way."""

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
    """A model that is meant."""

    name: str = Field(max_length=512, description="As the list of models has it.")


@routes.get(_MODELS, "Models that can be chosen")
async def models(call: Call) -> Response:
    """Those that are here, those of the catalogue, and ``work``: what is being fetched, built or loaded now.

    ``work.done`` of ``work.total`` are done, in ``work.unit``; ``failure`` says why the last of it ended, until the
    next begins or ``stop`` is sent. ``trouble`` says why a file cannot be loaded.
    """
    picker = call.services.picker
    choices = await asyncio.to_thread(picker.choices)
    entries = await asyncio.to_thread(_catalogue)
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


@routes.get(_MODELS + "/work", "How far a model is on its way")
async def work(call: Call) -> Response:
    """``work`` and ``failure`` alone, which is cheap to ask several times a second."""
    return JSONResponse(_work(call.services.picker))


@routes.post(_MODELS + "/load", "Choose the model that answers", NamedBody, {"name": "smollm2"})
async def load(call: Call) -> Response:
    """Begins to load it, and answers at once; what runs ends as it began. If it fails, what was loaded goes on."""
    return _begun(call.services.picker.load(validated(NamedBody, await call.json()).name), call)


@routes.post(_MODELS + "/fetch", "Fetch a model and choose it", NamedBody, {"name": "smollm2"})
async def fetch(call: Call) -> Response:
    """One of the catalogue, by its alias. What was fetched is kept if that ends early."""
    return _begun(call.services.picker.fetch(validated(NamedBody, await call.json()).name), call)


@routes.post(_MODELS + "/unload", "Unload a model", NamedBody, {"name": "smollm2"})
async def unload(call: Call) -> Response:
    """Answers when it is unloaded: its requests end first."""
    name = validated(NamedBody, await call.json()).name
    await asyncio.shield(asyncio.create_task(call.services.picker.unload(name)))
    return JSONResponse(_work(call.services.picker))


@routes.post(_MODELS + "/stop", "Stop fetching")
async def stop(call: Call) -> Response:
    """Ends what is fetched or built, and forgets what has failed. A load goes on."""
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


def _catalogue() -> list[dict[str, Any]]:
    return [_entry(entry) for entry in CATALOGUE.values()]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "alias": entry.alias,
        "name": entry.name,
        "size": entry.download_size,
        "license": entry.license,
        "notice": entry.notice,
        "description": entry.description,
        "is_here": path_of(entry.name).is_file(),
        "is_starter": entry is STARTER,
    }
