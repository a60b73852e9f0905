"""Running requests, and states of texts: saved to files, restored and erased.

Requests do not belong to slots here. For saving and erasing, slot 0 is the most recent text, slot 1 the one before, and
so on. A restored state serves the next request that begins with its text, whatever slot that request names.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.llama.errors import llama_body
from coblyn.api.llama.sampling import LLAMA_NUMBERS
from coblyn.api.llama.shape import settings
from coblyn.api.problem import Problem
from coblyn.api.route import Routes
from coblyn.engine.interface import ModelInfo
from coblyn.engine.params import SamplingParams
from coblyn.engine.state import StateInfo, StateOrder
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand, TextPrompt

__all__ = ["routes", "slot_of"]

routes = Routes()

_NAME = re.compile(r"\w[\w.-]{0,199}", re.ASCII)


class SavingOff(BadRequest):
    """States are not saved to files."""

    code = "saving_off"
    status = 501


class SlotFileInput(BaseModel):
    """Body of ``/slots/{id}``."""

    filename: str = Field(
        "", description="Name of a file in the directory that --slot-save-path names."
    )


@routes.get("/slots", "Requests that run")
async def slots(call: Call) -> Response:
    """One entry per request that can run at a time; 503 with ``fail_on_no_slot`` if none is free."""
    engine = call.model.engine
    info, num_running = engine.info, engine.status().num_running
    if num_running >= info.max_running and call.request.query_params.get("fail_on_no_slot"):
        problem = Problem(503, "busy", "All slots are in use.")
        return JSONResponse(llama_body(problem), problem.status)
    return JSONResponse(
        [
            slot_of(index, info, is_processing=index < num_running)
            for index in range(info.max_running)
        ]
    )


@routes.post("/slots/{id}", "Save, restore or erase a text", SlotFileInput, scope="admin")
async def change_slot(call: Call) -> Response:
    """By ``action``: save the state of a text to a file, restore it, or erase it from memory."""
    slot = _slot(call.request.path_params["id"])
    action = call.request.query_params.get("action", "")
    began = time.perf_counter()
    if action == "erase":
        erased = await call.model.engine.handle_state(StateOrder("erase", rank=slot))
        return JSONResponse({"id_slot": slot, "n_erased": erased.tokens})
    if action not in ("save", "restore"):
        raise BadRequest("action must be save, restore or erase.", field="action")
    path = _path(call, validated(SlotFileInput, await call.json()).filename)
    order = StateOrder("save" if action == "save" else "load", rank=slot, path=str(path))
    done = await call.model.engine.handle_state(order)
    milliseconds = 1e3 * (time.perf_counter() - began)
    return JSONResponse(_told(slot, path.name, action, done, milliseconds))


def _told(
    slot: int, name: str, action: str, done: StateInfo, milliseconds: float
) -> dict[str, Any]:
    head = {"id_slot": slot, "filename": name}
    if action == "save":
        counts: dict[str, Any] = {"n_saved": done.tokens, "n_written": done.size}
    else:
        counts = {"n_restored": done.tokens, "n_read": done.size}
    return {**head, **counts, "timings": {f"{action}_ms": milliseconds}}


def _slot(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise BadRequest(f"{text[:20]!r} is not the number of a slot.", field="id")
    return int(text)


def _path(call: Call, name: str) -> Path:
    """A file directly in the user's directory for states."""
    directory = call.options.state_dir
    if directory is None:
        raise SavingOff(
            "This server saves no states to files.",
            hint="Start it with --slot-save-path DIRECTORY.",
        )
    if not _NAME.fullmatch(name):
        raise BadRequest(
            "filename must be a name of letters, digits, '_', '-' and '.', and no path.",
            field="filename",
        )
    return directory / name


def slot_of(index: int, info: ModelInfo, *, is_processing: bool) -> dict[str, Any]:
    """Facts about a slot."""
    sampling = SamplingParams(**LLAMA_NUMBERS.defaults)  # type: ignore[arg-type]
    return {
        "id": index,
        "id_task": -1,
        "n_ctx": info.context,
        "speculative": False,
        "is_processing": is_processing,
        "params": settings(GenerateCommand(TextPrompt(""), sampling=sampling), -1, info),
        "prompt": "",
        "next_token": {"has_next_token": is_processing, "n_remain": -1, "n_decoded": 0},
    }
