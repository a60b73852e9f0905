"""``/api/coblyn/models/{name}/…``: what is wrong in a model's file, and what memory it takes."""

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


@routes.get(_MODEL + "/doctor", "What is wrong in a model's file")
async def doctor(call: Call) -> Response:
    """Each of ``findings`` has its cause, its consequence and a fix.

    ``coblyn doctor FILE --fix`` writes the fixes beside the file; ``overrides`` are those that count already. The
    weights are not read.
    """
    checkup = await asyncio.to_thread(lambda: examine(_file(call)))
    return JSONResponse(checkup.to_json())


@routes.get(_MODEL + "/fit", "What memory a model takes")
async def fit(call: Call) -> Response:
    """As ``coblyn fit --json``: what it takes with the settings of this server, without loading it.

    It says what is free on each device, what would be given up, and what other contexts and types of the cache take.
    """
    demand = call.services.models.demand
    if demand is None:
        raise NotFound("This server loads no models at run time, and measures none.")
    return JSONResponse(await asyncio.to_thread(lambda: demand.survey(_file(call))))


def _file(call: Call) -> Path:
    """The file of the model that a path names: one that is loaded, or one that is here."""
    name = str(call.request.path_params["name"])
    loaded = call.services.models.named(name)
    if loaded is not None and Path(loaded.engine.info.path).is_file():
        return Path(loaded.engine.info.path)
    path = stored_file(name)
    if path is None:
        raise NotFound(f"There is no file of a model {name!r} here.")
    return path
