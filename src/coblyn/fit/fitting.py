"""Checks before loading whether a model fits in memory, and gives up settings if it does not."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Literal

import psutil

from coblyn.engine.config import EngineConfig
from coblyn.errors import CoblynError, ModelTooLarge, ProgramFailed
from coblyn.fit.choose import choose
from coblyn.fit.estimate import estimate
from coblyn.fit.header import facts_of, headers_of
from coblyn.fit.ladder import changed, wished, with_value
from coblyn.fit.machine import main_memory
from coblyn.fit.need import Measured, Room, Space, room_for
from coblyn.fit.protocol import MARK, Answer, Question, read_answer, write
from coblyn.fit.words import advice, missing, outcome
from coblyn.llama.environment import changes
from coblyn.models.gguf import GgufHeader
from coblyn.run import stream

__all__ = ["Fitted", "fitted", "has_room", "survey"]

log = logging.getLogger(__name__)

_SECONDS = 120.0

_AMPLE = 1.3
"""If this many times the estimate is free, nothing is measured."""

Purpose = Literal["check", "choose", "table"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A configuration that fits.

    Attributes:
        config: The configuration.
        told: What was given up, and how to get it back, in one line; empty if nothing was.
    """

    config: EngineConfig
    told: str = ""


def fitted(config: EngineConfig, promised: int = 0, ended: Event | None = None) -> Fitted:
    """Give up settings in the user's order until a model fits in the free memory.

    Takes a moment if memory is ample, otherwise up to some seconds.

    Args:
        config: The requested configuration.
        promised: Bytes of free main memory that other engines will still take.
        ended: Set when the answer is no longer wanted.

    Raises:
        Cancelled: The answer is no longer wanted.
        ModelTooLarge: It does not fit with the settings that the user chose; the hint says what would.
        ModelError: The file cannot be read.
    """
    if not (config.fit and config.library) or _is_ample(config, promised):
        return Fitted(config)
    answer = survey(config, "choose", promised, ended)
    if answer.room is Room.ALL:
        return Fitted(config)
    if answer.config is None:
        raise ModelTooLarge(missing(answer), hint=advice(answer))
    for name, (_, value) in changed(answer.asked, answer.config).items():
        config = with_value(config, name, value)
    return Fitted(config, outcome(answer))


def has_room(config: EngineConfig, promised: int = 0, ended: Event | None = None) -> bool:
    """Whether a model fits without giving anything up, given memory in use and promised; blocks briefly.

    Args:
        config: The requested configuration.
        promised: Bytes of free main memory that other engines will still take.
        ended: Set when the answer is no longer wanted; it is True then.
    """
    if not (config.fit and config.library):
        return True
    try:
        if _is_ample(config, promised):
            return True
        return survey(config, "check", promised, ended).room is Room.ALL
    except CoblynError:
        return True  # loading it will report the error


def survey(
    config: EngineConfig,
    purpose: Purpose = "table",
    promised: int = 0,
    ended: Event | None = None,
) -> Answer:
    """Measure in a separate process; what the library cannot measure is estimated from the header.

    Raises:
        Cancelled: ``ended`` was set, since the answer is no longer wanted.
        ModelError: The file cannot be read.
    """
    headers = headers_of(config)
    main = main_memory().without(promised)
    question = Question(config, facts_of(config, headers), main, _kept(config), purpose)
    answer = (
        _ask(question, ended)
        if config.library
        else Answer(config, problem="no engine is built yet.")
    )
    return _estimated(question, headers, answer) if answer.problem else answer


def _is_ample(config: EngineConfig, promised: int) -> bool:
    """Whether main memory alone is ample; accelerators are not considered here."""
    if not config.bundle.startswith("cpu-") or config.draft_model:
        return False
    headers = headers_of(config)
    wish = wished(config, facts_of(config, headers))
    left = main_memory().without(promised).left(config.memory_margin)
    return estimate(wish, headers, _machine_memory()).total * _AMPLE < left


def _machine_memory() -> int:
    return int(psutil.virtual_memory().total)


def _kept(config: EngineConfig) -> frozenset[str]:
    """The settings that the user chose, except zeros that leave the choice to Coblyn."""
    return config.chosen - (frozenset() if config.context else {"context"})


def _ask(question: Question, ended: Event | None) -> Answer:
    lines: list[str] = []
    argv = [sys.executable, "-m", "coblyn.fit.child", write(question)]
    try:
        done = stream(argv, lines.append, env=changes(), timeout=_SECONDS, ended=ended, check=False)
    except ProgramFailed as error:
        return Answer(question.config, problem=error.message)
    told = [line for line in lines if line.startswith(MARK)]
    if told:
        return read_answer(told[-1])
    return Answer(
        question.config, problem=f"The process that measures ended with code {done.code}."
    )


def _estimated(question: Question, headers: Sequence[GgufHeader], answer: Answer) -> Answer:
    """An answer estimated from the header, without accelerators."""
    log.info("what the model takes is estimated: %s", answer.problem)
    spaces: tuple[Space, ...] = (question.main,)

    def measure(config: EngineConfig) -> Measured:
        return estimate(config, headers, _machine_memory())

    def fits(config: EngineConfig) -> bool:
        return room_for(measure(config), spaces, config.memory_margin) is not Room.NONE

    wish = wished(question.config, question.facts)
    measured = measure(wish)
    found = choose(wish, question.facts, fits, kept=question.kept)
    return Answer(
        wish,
        spaces,
        measured,
        room_for(measured, spaces, wish.memory_margin),
        config=found,
        chosen=measure(found) if found else measured,
        chosen_room=room_for(measure(found), spaces, wish.memory_margin) if found else Room.NONE,
        advice=None if found else choose(wish, question.facts, fits),
        problem=answer.problem,
    )
