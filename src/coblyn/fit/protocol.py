"""What crosses between us and the process that measures: one question, and lines of answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from coblyn.engine.config import EngineConfig
from coblyn.fit.ladder import Facts
from coblyn.fit.need import NOTHING, Measured, Room, Space

__all__ = ["MARK", "Answer", "Cell", "Question", "read_answer", "read_question", "write"]

MARK = "coblyn-fit "
"""Begins a line that is an answer; all others are the library's log."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        config: What is wished.
        facts: Of the model; whether there is an accelerator, the process finds out.
        main: Main memory, as it was before the process began.
        kept: Settings that are not given up.
        purpose: "check" only measures what is wished, "choose" looks for what fits if that does not, and "table"
            measures other contexts and types of the cache as well.
    """

    config: EngineConfig
    facts: Facts
    main: Space
    kept: frozenset[str] = frozenset()
    purpose: Literal["check", "choose", "table"] = "choose"


@dataclass(frozen=True, slots=True)
class Cell:
    """An entry of the table: whether a context with a type of the cache fits, and its bytes on all devices."""

    context: int
    cache_type: str
    total: int
    room: Room


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes:
        asked: The wished configuration, with plain numbers.
        spaces: What there is.
        wish: What the wished configuration takes.
        room: Whether that fits.
        config: What is chosen; None if nothing fits with the settings that the user chose.
        chosen: What the chosen configuration takes.
        chosen_room: How that fits.
        advice: What would fit if the user had chosen nothing; None if nothing would, or it was not looked for.
        table: Other contexts and types.
        problem: Why the library cannot tell; what is reported nevertheless is estimated.
    """

    asked: EngineConfig
    spaces: tuple[Space, ...] = ()
    wish: Measured = NOTHING
    room: Room = Room.NONE
    config: EngineConfig | None = None
    chosen: Measured = NOTHING
    chosen_room: Room = Room.NONE
    advice: EngineConfig | None = None
    table: tuple[Cell, ...] = ()
    problem: str = ""


def write(value: Question | Answer) -> str:
    """As one line."""
    return msgspec.json.encode(value).decode()


def read_question(line: str) -> Question:
    """Read what ``write`` wrote."""
    return msgspec.json.decode(line, type=Question)


def read_answer(line: str) -> Answer:
    """Read what ``write`` wrote, behind ``MARK``."""
    return msgspec.json.decode(line.removeprefix(MARK), type=Answer)
