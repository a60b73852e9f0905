"""``/api/coblyn/parameters`` and ``/api/coblyn/presets``: data for controls of pages."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.engine.parameter import Parameter
from coblyn.engine.params import PARAMETERS

__all__ = ["routes"]

routes = Routes()


@routes.get("/api/coblyn/parameters", "Generation parameters")
async def parameters(_: Call) -> Response:
    """Each with its names in requests, its default in KoboldAI's API, its range, and the values that switch it off."""
    return JSONResponse({"parameters": [_control(row) for row in PARAMETERS.values()]})


@routes.get("/api/coblyn/presets", "Presets of generation parameters")
async def presets(call: Call) -> Response:
    """Each with its values by the names of KoboldAI's API; a request of any API names one as ``preset``."""
    wishes = call.options.wishes
    rows = [
        {"name": preset.name, "is_own": preset.is_own, "values": dict(preset.values)}
        for preset in wishes.presets.all()
    ]
    return JSONResponse({"presets": rows, "default": wishes.preset})


def _control(row: Parameter) -> dict[str, Any]:
    """A row as JSON. ``off`` is the interval of values that change nothing, with null for an open end."""
    return {
        "name": row.name,
        "names": list(row.names),
        "type": row.kind,
        "default": row.default if row.kobold_default is None else row.kobold_default,
        "min": row.range[0] if row.kobold_low is None else row.kobold_low,
        "max": row.range[1],
        "off": row.off and [_end(value) for value in row.off],
        "meaning": row.meaning,
        "source": row.source,
    }


def _end(value: float) -> float | None:
    return value if abs(value) <= 1e300 else None
