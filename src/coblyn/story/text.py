"""A text with the origin of its parts: the writer or a model.

Positions count UTF-16 code units, as JavaScript and the editor do. For text without characters beyond U+FFFF these
equal Python's indices.
"""

from __future__ import annotations

import bisect
import itertools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["EMPTY", "Cutter", "Run", "Text", "num_common", "units"]

Run = tuple[int, str]
"""So many units in a row, and the id of the piece that a model wrote them in; empty for words of a writer."""


_BLOCK = 4096
"""Compared at once where two texts may be equal for long."""

_length = operator.itemgetter(0)


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def num_common(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Length of the common beginning of two texts, in characters, or of two sequences."""
    low, most = 0, min(len(one), len(other))
    while low < most and one[low : low + _BLOCK] == other[low : low + _BLOCK]:
        low += _BLOCK
    high = min(low + _BLOCK, most)
    low = min(low, most)
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(frozen=True, slots=True)
class Text:
    """Some text.

    Attributes:
        text: The characters.
        runs: Where each part comes from; their lengths add up to the text's.
    """

    text: str = field(default="", repr=False)
    runs: tuple[Run, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, text: str, piece: str = "") -> Text:
        """A text that comes from one place."""
        return cls(text, ((units(text), piece),) if text else ())

    @property
    def length(self) -> int:
        """Units."""
        return sum(map(_length, self.runs))

    def cut(self, start: int, end: int) -> Text:
        """The part between two positions.

        Raises:
            BadRequest: They are not positions of this text, or stand inside of a character.
        """
        return Cutter(self).cut(start, end)

    def plus(self, *others: Text) -> Text:
        """This text followed by others."""
        parts = (self, *others)
        return Text("".join(part.text for part in parts), _chained([part.runs for part in parts]))

    def to_json(self) -> dict[str, Any]:
        """``{"text", "runs"}``."""
        return {"text": self.text, "runs": [list(run) for run in self.runs]}

    @classmethod
    def from_json(cls, value: Any) -> Text:
        """The text that was written so; runs that are missing are the writer's.

        Raises:
            BadRequest: It is not text, or the runs do not add up to it.
        """
        text = value.get("text") if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise BadRequest("A text must be a string.", field="text")
        runs = value.get("runs")
        return cls.of(text) if runs is None else cls(text, read_runs(runs, units(text)))


EMPTY = Text()


def read_runs(value: Any, length: int) -> tuple[Run, ...]:
    """Runs as clients send them.

    Raises:
        BadRequest: They are no ``[length, piece]`` pairs, or do not add up to ``length``.
    """
    runs = []
    for pair in value if isinstance(value, list) else [None]:
        match pair:
            case [int(size), str() | None as piece] if size >= 0:
                runs.append((size, piece or ""))
            case _:
                raise BadRequest("runs must be a list of [length, piece].", field="runs")
    if sum(size for size, _ in runs) != length:
        raise BadRequest(f"runs must add up to {length} UTF-16 units.", field="runs")
    return _joined(runs)


class Cutter:
    """Cuts several parts out of one text. Stories have thousands of runs, so where they end is added up once.

    Args:
        text: The text to cut.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self._ends = list(itertools.accumulate(map(_length, text.runs)))
        self.length = self._ends[-1] if self._ends else 0

    def cut(self, start: int, end: int) -> Text:
        """The part between two positions; raises as `Text.cut`."""
        if not 0 <= start <= end <= self.length:
            raise BadRequest(
                f"{start} to {end} is not part of a text of {self.length} UTF-16 units.",
                field="changes",
            )
        return Text(_sliced(self._text.text, self.length, start, end), self._runs(start, end))

    def _runs(self, start: int, end: int) -> tuple[Run, ...]:
        if start == end:
            return ()
        first = bisect.bisect_right(self._ends, start)
        last = bisect.bisect_left(self._ends, end)
        runs = self._text.runs
        if first == last:
            return ((end - start, runs[first][1]),)
        head = (self._ends[first] - start, runs[first][1])
        tail = (end - self._ends[last - 1], runs[last][1])
        return (head, *runs[first + 1 : last], tail)


def _chained(parts: Sequence[tuple[Run, ...]]) -> tuple[Run, ...]:
    """Runs in sequence; where two parts meet, adjacent runs of the same source are merged."""
    chain: list[Run] = []
    for runs in parts:
        if chain and runs and chain[-1][1] == runs[0][1]:
            chain[-1] = (chain[-1][0] + runs[0][0], runs[0][1])
            chain.extend(runs[1:])
        else:
            chain.extend(runs)
    return tuple(chain)


def _sliced(text: str, length: int, start: int, end: int) -> str:
    if length == len(text):  # no character takes two units
        return text[start:end]
    raw = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    try:
        return raw.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"{start} or {end} is inside of a character that takes two UTF-16 units.",
            field="changes",
        ) from error


def _joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Runs without empty ones, and with neighbours of one source made one."""
    joined: list[Run] = []
    for length, piece in runs:
        if joined and joined[-1][1] == piece:
            joined[-1] = (joined[-1][0] + length, piece)
        elif length:
            joined.append((length, piece))
    return tuple(joined)
