"""``/api/coblyn/sample``: candidates for the next token, after each sampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coblyn.api.call import Call
from coblyn.engine.stage_view import StageView
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand

__all__ = ["look", "read_top", "stage"]

_TOP, _MAX_TOP = 12, 100


def read_top(query: Mapping[str, str]) -> int:
    """The number of candidates listed for each stage.

    Raises:
        BadRequest: It is not a number from 1 to 100.
    """
    text = query.get("top", str(_TOP))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= _MAX_TOP):
        raise BadRequest(f"top must be a whole number from 1 to {_MAX_TOP}.", field="top")
    return int(text)


async def look(call: Call, command: GenerateCommand, top: int) -> list[StageView]:
    """The stages of a command's first token; the prompt is computed first if necessary.

    Raises:
        CoblynError: The prompt cannot be computed, or no candidate is left.
    """
    if command.sampling.is_guided:
        raise BadRequest(
            "Guidance is not supported here.",
            field="guidance_scale",
            hint="`coblyn sample` shows it.",
        )
    one = replace(command, max_tokens=1, key="", constraint=None)
    planner = call.services.planner
    if found := await planner.look(one, top):
        return found
    await call.complete([one])
    return await planner.look(one, top)


def stage(view: StageView) -> dict[str, Any]:
    """A stage as JSON."""
    return {
        "name": view.name,
        "values": view.values,
        "num_candidates": view.num_candidates,
        "candidates": [
            {
                "token": each.token,
                "text": each.piece.decode(errors="replace"),
                "probability": each.probability,
            }
            for each in view.candidates
        ],
    }
