"""The process that measures a model's memory, and finds settings that fit.

    python -m coblyn.fit.child QUESTION

It is a separate process because a damaged model may crash it. A line of ``MARK`` and JSON is the answer; all other
lines are the log of the library and the drivers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.errors import CoblynError
from coblyn.fit.choose import choose
from coblyn.fit.gauge import Gauge, accelerators
from coblyn.fit.ladder import Facts, wished
from coblyn.fit.need import Measured, Room, Space, room_for
from coblyn.fit.protocol import MARK, Answer, Cell, Question, read_question, write
from coblyn.llama.library import open_library
from coblyn.settings import CacheType

__all__ = ["main"]

_Measure = Callable[[EngineConfig], Measured]

_CONTEXTS = (2048, 4096, 8192, 16384, 32768, 65536, 131072)
_TYPES: tuple[CacheType, ...] = ("f16", "q8_0")


def main() -> None:
    """Answer the question in the first argument."""
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    question = read_question(sys.argv[1])
    try:
        answer = _answer(question)
    except CoblynError as error:
        answer = Answer(question.config, problem=f"{error.message} {error.hint}".strip())
    os.write(1, f"{MARK}{write(answer)}\n".encode())
    # Some drivers crash at the end of a process, after all work is done.
    os._exit(0)


def _answer(question: Question) -> Answer:
    library = open_library(Path(question.config.library), _write, tell_crashes=True)
    devices = accelerators(library)
    spaces = (*devices, question.main)
    gauge = Gauge(library)
    facts = replace(question.facts, has_accelerator=bool(devices))
    measure = cache(gauge.measure)
    wish = wished(question.config, facts)
    measured = measure(wish)
    answer = Answer(wish, spaces, measured, room_for(measured, spaces, wish.memory_margin))
    if question.purpose == "check":
        return answer
    answer = _chosen(answer, wish, facts, measure, question.kept)
    if question.purpose == "table":
        answer = replace(answer, table=_table(answer.config or wish, facts, measure, spaces))
    return answer


def _chosen(
    answer: Answer, wish: EngineConfig, facts: Facts, measure: _Measure, kept: frozenset[str]
) -> Answer:
    """Add the chosen configuration, or the one that would be chosen."""
    for room in (Room.ALL, Room.WITHOUT_FILE):
        fits = partial(_fits, measure, answer.spaces, room)
        found = choose(wish, facts, fits, kept=kept)
        if found:
            return replace(answer, config=found, chosen=measure(found), chosen_room=room)
    fits = partial(_fits, measure, answer.spaces, Room.WITHOUT_FILE)
    return replace(answer, advice=choose(wish, facts, fits))


def _fits(measure: _Measure, spaces: tuple[Space, ...], wanted: Room, config: EngineConfig) -> bool:
    """Whether a configuration fits this well; one that the library refuses does not."""
    try:
        measured = measure(config)
    except CoblynError:
        return False
    return room_for(measured, spaces, config.memory_margin) >= wanted


def _table(
    config: EngineConfig, facts: Facts, measure: _Measure, spaces: tuple[Space, ...]
) -> tuple[Cell, ...]:
    """The table of context lengths, up to the trained one, and cache types."""
    cells = []
    lengths = sorted({n for n in _CONTEXTS if n <= facts.trained} | {config.context})
    for length in lengths:
        for kind in _TYPES:
            other = replace(config, context=length, cache_type=kind)
            try:
                measured = measure(other)
            except CoblynError:
                continue
            room = room_for(measured, spaces, config.memory_margin)
            cells.append(Cell(length, kind, measured.total, room, measured.shares_cells))
    return tuple(cells)


def _write(line: str) -> None:
    os.write(2, f"{line}\n".encode(errors="replace"))


if __name__ == "__main__":
    main()
