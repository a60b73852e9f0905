"""``/api/coblyn/requests``: control of running requests."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Routes

__all__ = ["routes"]

routes = Routes()


@routes.post("/api/coblyn/requests/{key}/end-thinking", "End reasoning")
async def end_thinking(call: Call) -> Response:
    """End the reasoning of a running request, with the proper mark, so that it answers.

    ``key`` is its ``genkey``, the id of a response of OpenAI's, or the ``x-request-id`` in the header of its stream.

    ``success`` is false if no such request runs. A request that is not reasoning continues unchanged.
    """
    key = call.request.path_params["key"]
    return JSONResponse({"success": await call.services.generator.end_thinking(key)})
