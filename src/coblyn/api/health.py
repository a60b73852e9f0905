"""``/health``: whether the server can answer requests now, for users, monitors and proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from coblyn import __version__
from coblyn.api.dialect import Dialect
from coblyn.api.kobold.errors import kobold_body
from coblyn.api.late import broken_modules, late
from coblyn.api.metrics import CONTENT_TYPE
from coblyn.api.route import Routes
from coblyn.engine.interface import NO_MODEL
from coblyn.proof.verdict import judge_load
from coblyn.service.caller import CALLER

if TYPE_CHECKING:
    from coblyn.api.call import Call
    from coblyn.engine.death import Death
    from coblyn.service.models import LoadedModel

__all__ = ["SERVER"]

routes = Routes()

_TAKING = ("ready", "sleeping")
"""States in which requests are accepted."""

_ABSENT = ("stopped", "unloaded")
"""States of an engine that is not on its way by itself."""


@routes.get("/ready", "Whether requests are accepted now")
async def ready(call: Call) -> Response:
    """200 if every loaded model accepts requests, otherwise 503: for load balancers."""
    there = [model for model in call.services.models if not model.is_away]
    states = {model.awaited_name: _state(model) for model in there or [call.model]}
    is_ready = all(state in _TAKING for state in states.values())
    return JSONResponse({"ready": is_ready, "models": states}, 200 if is_ready else 503)


@routes.get("/metrics", "Figures for Prometheus", scope="admin", answer="text/plain")
async def metrics(call: Call) -> Response:
    """Requests, generations, tokens, waiting times, and the state of engines, by model and key."""
    return Response(call.request.app.state.metrics.text(), media_type=CONTENT_TYPE)


@routes.get("/health", "Whether the model is ready")
async def health(call: Call) -> Response:
    """``status`` is ok or sleeping (200), or loading, restarting, not responding, stopping or stopped (503).

    ``model`` is the model that answers, or while it is loading the one that will; ``loaded`` is the fraction of it that
    is loaded. ``verdict`` says whether the model runs on the hardware it should run on, and if not, why and what to do.
    ``failure`` says why the engine is stopped and what to do, and ``death`` how its process last died, with its log;
    ``broken`` names modules of the server that cannot be imported, whose paths are refused. These three are for
    administrators. With ``?quiet=1`` it answers 200 in every state, for pages: browsers report each refusal in their
    console.
    """
    status, state = call.model.engine.status(), _state(call.model)
    name, coming, loaded = call.model.awaited_name, call.model.coming, status.loaded
    is_default = call.model is call.services.models.default
    chosen = call.services.picker.coming if is_default else ""
    if chosen and state in _ABSENT:  # its engine is not there yet
        state, name, coming, loaded = "loading", chosen, chosen, 0.0
    wakes = call.model.is_asleep and coming == call.model.name
    info = NO_MODEL if coming and not wakes else call.model.engine.info
    is_good = state in _TAKING or call.request.query_params.get("quiet") == "1"
    body = {
        "status": "ok" if state == "ready" else state,
        "model": name,
        "accelerator": info.accelerator,
        "accelerated_by": list(info.placement.accelerated_by),
        "verdict": judge_load(info.placement, call.options.machine).to_json(),
        "context": info.context,
        "running": status.num_running,
        "waiting": status.num_waiting,
        "restarts": status.num_restarts,
        "loaded": round(loaded, 3),
        "version": __version__,
    }
    if CALLER.get().scope != "admin":
        return JSONResponse(body, 200 if is_good else 503)
    if status.failure and not coming:
        body["failure"] = status.failure
    if status.death:
        body["death"] = _death(status.death)
    if broken := broken_modules():
        body["broken"] = broken
    return JSONResponse(body, 200 if is_good else 503)


def _state(model: LoadedModel) -> str:
    """The state of a model's engine; ``sleeping`` if it is unloaded until the next request."""
    if model.is_asleep:
        return "sleeping"
    state = model.engine.status().state
    return "loading" if model.coming and state in _ABSENT else state


def _death(death: Death) -> dict[str, Any]:
    """A death as JSON."""
    return {
        "reason": death.reason,
        "signal": death.signal,
        "library": death.library,
        "code": death.crash.code.hex() if death.crash else "",
        "instruction": death.instruction,
        "log": list(death.log),
    }


SERVER = Dialect(
    "server",
    (
        *routes,
        *late(
            "coblyn.api.controls",
            "GET /api/coblyn/parameters",
            "GET /api/coblyn/presets",
        ),
        *late(
            "coblyn.api.counting",
            "POST /api/coblyn/tokens",
        ),
        *late(
            "coblyn.api.checkup",
            "GET /api/coblyn/models/{name}/doctor",
            "GET /api/coblyn/models/{name}/fit",
        ),
        *late(
            "coblyn.api.picking",
            "GET /api/coblyn/models",
            "GET /api/coblyn/models/work",
            "POST /api/coblyn/models/load",
            "POST /api/coblyn/models/fetch",
            "POST /api/coblyn/models/unload",
            "POST /api/coblyn/models/stop",
        ),
        *late(
            "coblyn.api.doctor",
            "POST /api/coblyn/doctor",
        ),
        *late(
            "coblyn.api.resume",
            "GET /api/coblyn/streams/{id}",
            "DELETE /api/coblyn/streams/{id}",
        ),
        *late(
            "coblyn.api.mcp",
            "POST /mcp",
            "GET /api/coblyn/tools",
        ),
        *late(
            "coblyn.api.requests",
            "POST /api/coblyn/requests/{key}/end-thinking",
        ),
    ),
    owns=lambda _: True,
    error_body=kobold_body,
)
"""Facts about the server. Errors at unknown paths have KoboldAI's shape."""
