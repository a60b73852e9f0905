"""Facts about models, which Ollama's clients request before they use one."""

from __future__ import annotations

import asyncio
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.ollama.shape import capabilities, details, stamp
from coblyn.api.route import Routes
from coblyn.chat.flag import read_flag
from coblyn.engine.interface import ModelInfo
from coblyn.errors import BadRequest
from coblyn.models.modelfile import write_modelfile
from coblyn.service.inventory import Facts, Item
from coblyn.service.models import LoadedModel

__all__ = ["NamedInput", "routes"]

routes = Routes()

VERSION = "0.33.0"
"""The version of Ollama whose API this is; clients refuse much older ones."""

_FOR_EVER = datetime(2200, 1, 1, tzinfo=UTC)
"""The expiry time of a model that stays as long as the server runs."""

_LONG = 100 * 365 * 86400.0
"""Number of seconds from which on a time counts as forever."""

_SUFFIX = "{# .Suffix #}"
"""A comment for the model's template.

Some editors detect by this name in Ollama's templates that a model fills gaps.
"""

_TEMPLATE_KEY = "tokenizer.chat_template"


class NamedInput(BaseModel):
    """A body that names a model."""

    model: str | None = Field(None, description="Its name; old clients use the field name.")
    name: str | None = None

    @property
    def named(self) -> str:
        """The name.

        Raises:
            BadRequest: There is none.
        """
        name = self.model or self.name
        if not name:
            raise BadRequest("model is required", field="model")
        return name


@routes.get("/api/version", "Version of Ollama's API")
async def version(_: Call) -> Response:
    """The version of Ollama whose API this is."""
    return JSONResponse({"version": VERSION})


@routes.get("/api/tags", "Available models")
async def tags(call: Call) -> Response:
    """All models: loaded ones, files on disk, and models made from them by settings."""
    return JSONResponse({"models": await asyncio.to_thread(_tags, call)})


@routes.get("/api/ps", "Loaded models")
async def ps(call: Call) -> Response:
    """The loaded models, those that are kept longest first."""
    return JSONResponse({"models": await asyncio.to_thread(_running, call)})


@routes.post("/api/show", "About one model", NamedInput, {"model": "any"})
async def show(call: Call) -> Response:
    """Its settings, its template, facts from its file, and its capabilities."""
    body = await call.json()
    name = validated(NamedInput, body).named
    is_verbose = bool(read_flag(body, "verbose"))
    return JSONResponse(await asyncio.to_thread(_show, call, name, is_verbose))


def _tags(call: Call) -> list[dict[str, Any]]:
    return [_entry(item, item.facts) for item in call.services.inventory.all()]


def _running(call: Call) -> list[dict[str, Any]]:
    demand = call.services.models.demand
    found = []
    for item in call.services.inventory.loaded():
        assert item.model, "it is loaded"
        left = demand.seconds_left(item.model) if demand else math.inf
        if not item.model.is_asleep:
            found.append((left, _process(item, item.model, left)))
    return [process for _, process in sorted(found, key=lambda each: -each[0])]


def _process(item: Item, model: LoadedModel, left: float) -> dict[str, Any]:
    info = model.engine.info
    is_kept = left > _LONG
    on_devices = sum(
        share.weights + share.cache + share.compute
        for share in info.placement.shares
        if share.device != "CPU"
    )
    return {
        **_entry(item, item.facts),
        "expires_at": stamp(_FOR_EVER if is_kept else datetime.now(UTC) + timedelta(seconds=left)),
        "size_vram": on_devices,
        "context_length": info.context,
    }


def _entry(item: Item, facts: Facts) -> dict[str, Any]:
    return {
        "name": item.name,
        "model": item.name,
        "modified_at": stamp(item.modified),
        "size": item.size,
        "digest": item.digest,
        "details": details(item, facts),
        "capabilities": capabilities(_template(item, facts), _info(item)),
    }


def _show(call: Call, name: str, is_verbose: bool) -> dict[str, Any]:
    item = call.services.inventory.find(name)
    facts, settings = item.facts, item.modelfile
    info = _info(item)
    template = _template(item, facts)
    return {
        "license": "\n".join(settings.licenses) or str(facts.metadata.get("general.license", "")),
        "modelfile": write_modelfile(settings),
        "parameters": _parameters(item, info),
        "template": settings.template or (template + _SUFFIX if info and info.infill else template),
        "system": settings.system,
        "details": details(item, facts),
        "messages": [{"role": role, "content": text} for role, text in settings.messages],
        "model_info": _model_info(facts, info, is_verbose=is_verbose),
        "capabilities": capabilities(template, info),
        "modified_at": stamp(item.modified),
    }


def _template(item: Item, facts: Facts) -> str:
    if item.model:
        return item.model.engine.info.chat_template
    return str(facts.metadata.get(_TEMPLATE_KEY, ""))


def _info(item: Item) -> ModelInfo | None:
    """The engine's facts about a loaded model; None if it is not loaded."""
    return item.model.engine.info if item.model else None


def _parameters(item: Item, info: ModelInfo | None) -> str:
    """Lines of a name and a value. Editors read the context length from ``num_ctx``."""
    known = {"num_ctx": info.context} if info else {}
    values: dict[str, Any] = {**known, **item.modelfile.parameters, **known}
    return "\n".join(
        f"{name:<30} {json.dumps(each, ensure_ascii=False)}"
        for name, value in values.items()
        for each in (value if isinstance(value, list | tuple) else (value,))
    )


def _model_info(facts: Facts, info: ModelInfo | None, *, is_verbose: bool) -> dict[str, Any]:
    """Facts from the file; for a loaded model, the context length is that of requests, since it is not loaded again."""
    architecture = facts.architecture or "unknown"
    found: dict[str, Any] = {
        name: value for name, value in facts.metadata.items() if is_verbose or name != _TEMPLATE_KEY
    }
    found |= {
        "general.architecture": architecture,
        "general.parameter_count": facts.num_parameters,
    }
    if info:
        found[f"{architecture}.context_length"] = info.context
    return found
