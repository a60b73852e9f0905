"""The protocol with the measuring process: one question, and lines of answers."""

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
    """The question.

    Attributes:
        config: The requested configuration.
        facts: Facts about the model; the process detects accelerators itself.
        main: Main memory before the process started.
        kept: Settings that are not given up.
        purpose: "check" only measures the requested configuration, "choose" searches one that fits if it does not, and
            "table" also measures other contexts and cache types.
    """

    config: EngineConfig
    facts: Facts
    main: Space
    kept: frozenset[str] = frozenset()
    purpose: Literal["check", "choose", "table"] = "choose"


@dataclass(frozen=True, slots=True)
class Cell:
    """An entry of the table: whether a context length with a cache type fits, and its bytes on all devices.

    A longer context may take less than a shorter one where its requests share the cells.
    """

    context: int
    cache_type: str
    total: int
    room: Room
    shares_cells: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer.

    Attributes:
        asked: The requested configuration, with explicit numbers.
        spaces: Available memory.
        wish: Memory of the requested configuration.
        room: Whether it fits.
        config: The chosen configuration; None if nothing fits with the user's settings.
        chosen: Memory of the chosen configuration.
        chosen_room: How well it fits.
        advice: A configuration that would fit without the user's settings; None if there is none, or it was not
            searched.
        table: Other context lengths and cache types.
        problem: Why the library cannot measure, so that numbers are estimated.
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
    """Read what ``write`` wrote, after ``MARK``."""
    return msgspec.json.decode(line.removeprefix(MARK), type=Answer)
