"""The model's adapters, as llama-server's clients list and scale them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, RootModel
from starlette.responses import JSONResponse, Response

from coblyn.api.adapters import read_choices
from coblyn.api.body import read_value
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.engine.adapter import AdapterInfo
from coblyn.service.models import LoadedModel

__all__ = ["routes"]

routes = Routes()


class AdapterScale(BaseModel):
    """One adapter and its scale."""

    id: int | str = Field(description="Its number, or its name.")
    scale: float | None = Field(None, description="The adapter's default scale if omitted.")


class ScalesInput(RootModel[list[AdapterScale]]):
    """Body of ``/lora-adapters``."""


@routes.get("/lora-adapters", "Adapters")
async def list_adapters(call: Call) -> Response:
    """The adapters of the model, or of ``?model=``, with the scales for requests that choose none."""
    adapters = _meant(call).adapters
    return JSONResponse(
        [_entry(id_, info, adapters.defaults) for id_, info in enumerate(adapters.infos)]
    )


@routes.post("/lora-adapters", "Weigh adapters", ScalesInput, scope="admin")
async def weigh_adapters(call: Call) -> Response:
    """Set the adapters, by number or name, and scales for requests that choose none; all others are off."""
    choices = read_choices(await read_value(call.request, call.options), "lora")
    _meant(call).adapters.set_defaults(choices)
    return JSONResponse({"success": True})


def _meant(call: Call) -> LoadedModel:
    return call.services.models.find(call.request.query_params.get("model", ""))


def _entry(id_: int, info: AdapterInfo, defaults: dict[str, float]) -> dict[str, Any]:
    return {
        "id": id_,
        "path": info.path,
        "scale": defaults.get(info.name, 0.0),
        "name": info.name,
        "kind": info.kind,
        "own_scale": info.scale,
        "task_name": "",
        "prompt_prefix": "",
    }
