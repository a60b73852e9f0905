"""``/api/coblyn/doctor``: explains a broken build from its log, as ``coblyn doctor`` does."""

from __future__ import annotations

import asyncio
import io
from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.body import read_bytes
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.errors import BadRequest

__all__ = ["routes"]

routes = Routes()


@routes.post("/api/coblyn/doctor", "Why a build broke", takes="text/plain")
async def explain(call: Call) -> Response:
    """The body is the log of any program's build; the answer is that of ``coblyn doctor --json``.

    Does not inspect this machine or run anything.
    """
    data = await read_bytes(call.request, call.options)
    if not data.strip():
        raise BadRequest("The log is empty.", hint="Send what the build printed.")
    return JSONResponse(await call.wait(asyncio.to_thread(_told, data)))


def _told(log: bytes) -> dict[str, Any]:
    # The catalogue is imported on demand, so that the server starts faster.
    from coblyn.doctor.cause import Case
    from coblyn.doctor.consult import Consultation
    from coblyn.doctor.examine import examine
    from coblyn.doctor.log.reader import read_log

    case = Case(read_log(io.BytesIO(log)), None, None, {}, None)
    return Consultation(case, examine(case)).to_json()
