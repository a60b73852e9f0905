"""Messages about memory: what was given up, how to get it back, and what would fit. Pure."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from coblyn.files import human_size
from coblyn.fit.ladder import changed
from coblyn.fit.need import MAIN, Measured, Room, Space
from coblyn.fit.protocol import Answer

__all__ = ["advice", "flag", "missing", "outcome", "report"]

_ROOMS = {Room.NONE: "none", Room.WITHOUT_FILE: "without_file", Room.ALL: "all"}


def flag(name: str, value: Any) -> str:
    """A setting as a command-line flag."""
    word = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{word}" if value else f"--no-{word}"
    return f"--{word} {value}"


def outcome(answer: Answer) -> str:
    """One line: that a model fits as requested, what was given up for it, or what would have to be."""
    if answer.room is Room.ALL:
        return "It fits as it is wished."
    if answer.config is None:
        return f"{missing(answer)} {advice(answer)}"
    lost = changed(answer.asked, answer.config)
    parts = [
        f"{name} {_shown(before)} → {_shown(after)} ({flag(name, before)})"
        for name, (before, after) in lost.items()
    ]
    told = f"{missing(answer)} Given up, with the flag that brings it back: {', '.join(parts)}."
    warning = _without_file(answer) if answer.chosen_room is Room.WITHOUT_FILE else ""
    return f"{told if parts else ''} {warning}".strip()


def missing(answer: Answer) -> str:
    """A sentence with the device that lacks memory, the needed and the available amount."""
    space = _scarce(answer)
    about = "about " if answer.wish.is_estimate else ""
    need = human_size(_needed(answer, space))
    left = human_size(space.left(answer.asked.memory_margin))
    where = "main memory" if space.device == MAIN else f"the memory of {space.device}"
    model = Path(answer.asked.model).stem
    return f"{model} needs {about}{need} of {where}, which has {left} for it."


def advice(answer: Answer) -> str:
    """A sentence with what would fit, if nothing does with the user's settings."""
    if answer.advice is None:
        return "No settings make it fit: choose a smaller quantization or another model."
    lost = changed(answer.asked, answer.advice)
    return f"It fits with {' '.join(flag(name, after) for name, (_, after) in lost.items())}."


def report(answer: Answer) -> dict[str, Any]:
    """The answer as JSON; numbers are bytes."""
    chosen = answer.config
    return {
        "model": answer.asked.model,
        "is_estimate": answer.wish.is_estimate,
        "problem": answer.problem,
        "outcome": outcome(answer),
        "fits": _ROOMS[answer.room],
        "devices": [
            asdict(space) | {"left": space.left(answer.asked.memory_margin)}
            for space in answer.spaces
        ],
        "wished": _needs(answer.wish),
        "chosen": _needs(answer.chosen) if chosen else None,
        "given_up": {
            name: {"wished": before, "chosen": after, "flag": flag(name, before)}
            for name, (before, after) in (changed(answer.asked, chosen) if chosen else {}).items()
        },
        "others": [asdict(cell) | {"room": _ROOMS[cell.room]} for cell in answer.table],
    }


def _needs(measured: Measured) -> dict[str, Any]:
    devices = [asdict(need) | {"total": need.total} for need in measured.needs]
    return {"context": measured.context, "total": measured.total, "devices": devices}


def _without_file(answer: Answer) -> str:
    mapped = human_size(answer.chosen.on(MAIN).mapped)
    model = Path(answer.asked.model).stem
    return (
        f"Memory does not hold the weights of {model} ({mapped}): parts of them are read from the disk again for every "
        "token. A smaller quantization is faster."
    )


def _scarce(answer: Answer) -> Space:
    """The device that lacks most memory."""
    margin = answer.asked.memory_margin
    return max(
        (space for space in answer.spaces if space.total),
        key=lambda space: _needed(answer, space) - space.left(margin),
    )


def _needed(answer: Answer, space: Space) -> int:
    shared = [each.device for each in answer.spaces if each.is_shared]
    beside = shared if space.device == MAIN else []
    return sum(answer.wish.on(device).total for device in {space.device, *beside})


def _shown(value: Any) -> str:
    if value is None:
        return "automatic"
    return str(value).lower() if isinstance(value, bool) else str(value)
