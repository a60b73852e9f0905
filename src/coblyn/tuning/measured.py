"""What was measured, how far it is to be trusted, and the file that keeps it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Measured", "MeasuredFile", "most_doubtful"]

log = logging.getLogger(__name__)

_VERSION = 2
"""Version 1 had no spread; what it holds is measured again."""

_LARGEST = 256  # that the library measures

_WIDEST = 1e9  # that anyone measures

_CLEAN = 0.1
"""Spreads up to this are those of a machine that does nothing else."""

_TIMES = 3
"""So often a disturbed measurement is made."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An answer of a measurement.

    Attributes:
        value: The answer.
        spread: How far half of its comparisons lay apart, as a part of their median.
        times: How often it was measured.
    """

    value: int
    spread: float
    times: int = 1

    @property
    def is_clean(self) -> bool:
        """Whether nothing disturbed it."""
        return self.spread <= _CLEAN

    @property
    def is_settled(self) -> bool:
        """Whether it stays as it is."""
        return self.is_clean or self.times >= _TIMES

    def again(self, other: Measured) -> Measured:
        """After it was measured once more: the answer with less spread, and how often it was asked."""
        best = min(other, self, key=lambda each: each.spread)
        return Measured(best.value, best.spread, self.times + 1)

    def __str__(self) -> str:
        return f"{self.value}, spread {self.spread:.0%}{'' if self.is_clean else ', disturbed'}"


def most_doubtful(known: Mapping[str, Measured]) -> str | None:
    """Which answer to measure again next: of those made least often, the one with the most spread; None for none."""
    open_ = [key for key, answer in known.items() if not answer.is_settled]
    return min(open_, key=lambda key: (known[key].times, -known[key].spread), default=None)


class MeasuredFile:
    """Answers by key, in a file that processes share. One that cannot be read or written costs time, nothing else.

    Args:
        path: The file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Measured]:
        """What is known; what nobody can have measured is left out."""
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            return {}
        answers = content.get("measured")
        return dict(_read(answers.items())) if isinstance(answers, dict) else {}

    def write(self, measured: Mapping[str, Measured]) -> None:
        """Add answers to those that are there."""
        known = self.read() | dict(measured)  # other processes measure too
        answers = {key: asdict(answer) for key, answer in known.items()}
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"version": _VERSION, "measured": answers}, indent=1)
            temporary.write_text(text, "utf-8")
            temporary.replace(self._path)
        except OSError as error:
            log.debug("what was measured cannot be kept: %s", error)
            with suppress(OSError):  # a full disk keeps the empty file
                temporary.unlink()


def _read(answers: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, Measured]]:
    for key, answer in answers:
        if isinstance(answer, dict) and _is_measured(answer):
            yield key, Measured(answer["value"], float(answer["spread"]), answer["times"])


def _is_measured(answer: Mapping[str, Any]) -> bool:
    value: Any = answer.get("value")
    spread: Any = answer.get("spread")
    times: Any = answer.get("times")
    if type(value) is not int or type(times) is not int or type(spread) not in (int, float):
        return False
    return 0 <= value <= _LARGEST and 0 <= spread < _WIDEST and times >= 1
