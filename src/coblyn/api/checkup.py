"""``/api/coblyn/models/{name}/…``: faults of a model's file, and the memory it takes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.checkup.examine import examine
from coblyn.errors import NotFound
from coblyn.models.names import stored_file

__all__ = ["routes"]

routes = Routes(scope="admin")

_MODEL = "/api/coblyn/models/{name}"


@routes.get(_MODEL + "/doctor", "Faults of a model's file")
async def doctor(call: Call) -> Response:
    """Each item of ``findings`` has its cause, its consequence and a fix.

    ``coblyn doctor FILE --fix`` writes the fixes beside the file; ``overrides`` are those already in effect. The
    weights are not read.
    """
    checkup = await asyncio.to_thread(lambda: examine(_file(call)))
    return JSONResponse(checkup.to_json())


@routes.get(_MODEL + "/fit", "Memory a model takes")
async def fit(call: Call) -> Response:
    """As ``coblyn fit --json``: the memory it takes with this server's settings, measured without loading it.

    Includes the free memory of each device, the settings that would be given up, and the memory for other context
    lengths and cache types.
    """
    demand = call.services.models.demand
    if demand is None:
        raise NotFound("This server loads no models at run time, and measures none.")
    return JSONResponse(await asyncio.to_thread(lambda: demand.survey(_file(call))))


def _file(call: Call) -> Path:
    """The file of the model that a path names, loaded or not."""
    name = str(call.request.path_params["name"])
    loaded = call.services.models.named(name)
    if loaded is not None and Path(loaded.engine.info.path).is_file():
        return Path(loaded.engine.info.path)
    path = stored_file(name)
    if path is None:
        raise NotFound(f"There is no file of a model {name!r} here.")
    return path
