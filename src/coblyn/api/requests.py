"""``/api/coblyn/requests``: what can be done about a request that runs."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Routes

__all__ = ["routes"]

routes = Routes()


@routes.post("/api/coblyn/requests/{key}/end-thinking", "End reasoning")
async def end_thinking(call: Call) -> Response:
    """Have a request that runs end its reasoning, properly marked, and answer. ``key`` is its ``genkey``.

    ``success`` is false if no such request runs. One that does not reason goes on as it is.
    """
    key = call.request.path_params["key"]
    return JSONResponse({"success": await call.services.generator.end_thinking(key)})
