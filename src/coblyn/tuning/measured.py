"""Measurements with their reliability, and the file that stores them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coblyn.files import write_whole

__all__ = ["Measured", "MeasuredFile", "most_doubtful"]

log = logging.getLogger(__name__)

_VERSION = 2
"""Version 1 had no spread; what it holds is measured again."""

_LARGEST = 256  # that the library measures

_WIDEST = 1e9  # that anyone measures

_CLEAN = 0.1
"""Maximum spread of a measurement on an otherwise idle machine."""

_TIMES = 3
"""Maximum number of times that a disturbed measurement is made."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of a measurement.

    Attributes:
        value: The result.
        spread: Interquartile range of its comparisons, relative to their median.
        times: Number of times it was measured.
    """

    value: int
    spread: float
    times: int = 1

    @property
    def is_clean(self) -> bool:
        """Whether it was undisturbed."""
        return self.spread <= _CLEAN

    @property
    def is_settled(self) -> bool:
        """Whether it is final."""
        return self.is_clean or self.times >= _TIMES

    def again(self, other: Measured) -> Measured:
        """Merge with a further measurement: the result with less spread, and the total number of times."""
        best = min(other, self, key=lambda each: each.spread)
        return Measured(best.value, best.spread, self.times + 1)

    def __str__(self) -> str:
        return f"{self.value}, spread {self.spread:.0%}{'' if self.is_clean else ', disturbed'}"


def most_doubtful(known: Mapping[str, Measured]) -> str | None:
    """The result to measure again next: of those measured least often, the one with the largest spread.

    None for none.
    """
    open_ = [key for key, answer in known.items() if not answer.is_settled]
    return min(open_, key=lambda key: (known[key].times, -known[key].spread), default=None)


class MeasuredFile:
    """Results by key, in a file shared by processes. If it cannot be read or written, only time is lost.

    Args:
        path: The file; created if missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Measured]:
        """The stored results, without invalid ones."""
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(content, dict) or content.get("version") != _VERSION:
            return {}
        answers = content.get("measured")
        return dict(_read(answers.items())) if isinstance(answers, dict) else {}

    def write(self, measured: Mapping[str, Measured]) -> None:
        """Add results to the stored ones."""
        known = self.read() | dict(measured)  # other processes measure too
        answers = {key: asdict(answer) for key, answer in known.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(
                self._path, json.dumps({"version": _VERSION, "measured": answers}, indent=1)
            )
        except OSError as error:
            log.debug("what was measured cannot be kept: %s", error)


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
