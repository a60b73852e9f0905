"""Saving states by hand: the results computed for the last text, kept in numbered slots of main memory.

Results of requests are also kept automatically until memory is needed; slots are kept until cleared.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from starlette.responses import JSONResponse, Response

from coblyn.api.call import Call
from coblyn.api.later import Lenient
from coblyn.api.route import Routes
from coblyn.engine.state import StateInfo, StateOrder
from coblyn.errors import CoblynError

__all__ = ["routes"]

log = logging.getLogger(__name__)

routes = Routes("admin")

NUM_SLOTS = 5
"""KoboldCPP's number of slots, 0 to 4; any other number means the first."""


class StateInput(Lenient):
    """Body of ``/api/admin/save_state`` and ``/api/admin/load_state``."""

    slot: int = 0


@routes.post("/api/admin/check_state", "Saved states")
async def check_state(call: Call) -> Response:
    """The content of each slot, and of the text that would be saved now."""
    try:
        found = await call.model.engine.handle_state(StateOrder("look"))
    except CoblynError as error:
        return _failed(error, {"old_states": [], "new_state_size": 0, "new_tokens": 0})
    held = {slot: {"tokens": tokens, "size": size} for slot, tokens, size in found.slots}
    states = [held.get(slot, {"tokens": 0, "size": 0}) for slot in range(NUM_SLOTS)]
    now = {"new_state_size": found.size, "new_tokens": found.tokens}
    return JSONResponse({"success": True, "old_states": states, **now})


@routes.post("/api/admin/save_state", "Save a state", StateInput)
async def save_state(call: Call) -> Response:
    """Save the state of the last text in a slot."""
    try:
        found = await _carried_out(call, "save")
    except CoblynError as error:
        return _failed(error, {"new_state_size": 0, "new_tokens": 0})
    return JSONResponse({"success": True, "new_state_size": found.size, "new_tokens": found.tokens})


@routes.post("/api/admin/load_state", "Load a state", StateInput)
async def load_state(call: Call) -> Response:
    """Make a slot's state available to requests that begin with its text."""
    try:
        found = await _carried_out(call, "load")
    except CoblynError as error:
        return _failed(error, {"new_tokens": 0})
    return JSONResponse({"success": True, "new_tokens": found.tokens})


@routes.post("/api/admin/clear_state", "Clear saved states")
async def clear_state(call: Call) -> Response:
    """Empty all slots."""
    await call.model.engine.handle_state(StateOrder("clear"))
    return JSONResponse({"success": True})


async def _carried_out(call: Call, action: Literal["save", "load"]) -> StateInfo:
    body, _ = await call.read(StateInput)
    slot = body.slot if 0 <= body.slot < NUM_SLOTS else 0
    return await call.model.engine.handle_state(StateOrder(action, slot=slot))


def _failed(error: CoblynError, answer: Mapping[str, Any]) -> Response:
    log.info("a state was not saved or loaded: %s", error)
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return JSONResponse({"success": False, **answer, "error": message})
