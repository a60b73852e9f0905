"""How long steps take, by their shape: measured, and estimated until then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Pace", "Shape"]

_STEEPNESS = 0.1
"""Assumed cost of one more token, as a fraction of a step, until it is measured."""

_TRUSTED = 3
"""Number of measurements after which their mean is trusted."""

_LEARNING = 0.15
"""Weight of the newest measurement."""


class Shape(NamedTuple):
    """The shape of a step.

    Attributes:
        num_tokens: Number of tokens that it decodes.
        num_split: If the library computes it in two parts, because rows with separate cells have unequal lengths, the
            number of rows, which is that of the first part's tokens; 0 if it is computed at once.
    """

    num_tokens: int
    num_split: int = 0

    @classmethod
    def of(cls, lengths: Sequence[int], *, splits: bool) -> Shape:
        """The shape of rows of some lengths; ``splits`` says whether each has separate cells."""
        is_split = splits and len(set(lengths)) > 1
        return cls(sum(lengths), len(lengths) if is_split else 0)


class Pace:
    """Durations of steps, by their shape."""

    def __init__(self) -> None:
        self._seconds: dict[Shape, float] = {}
        self._counts: dict[Shape, int] = {}

    def note(self, shape: Shape, seconds: float) -> None:
        """Record the duration of a step."""
        known = self._seconds.get(shape, seconds)
        # Outliers caused by other programs are clamped.
        seconds = min(seconds, 2 * known) if known else seconds
        self._seconds[shape] = known + _LEARNING * (seconds - known)
        self._counts[shape] = self._counts.get(shape, 0) + 1

    def seconds(self, shape: Shape) -> float:
        """Expected duration of a step in seconds; 0 while nothing is known.

        Rarely measured sizes are assumed to be fast, so that they are tried. A split step takes as long as its parts.
        """
        count = min(self._counts.get(shape, 0), _TRUSTED)
        if count == _TRUSTED:
            return self._seconds[shape]
        guess = self._sum_of_parts(shape) if shape.num_split else self._near(shape.num_tokens)
        if not guess:
            return self._seconds.get(shape, 0.0)
        measured = self._seconds.get(shape, guess)
        return guess + count / _TRUSTED * (measured - guess)

    def _sum_of_parts(self, shape: Shape) -> float:
        first = self.seconds(Shape(shape.num_split))
        return first and first + self.seconds(Shape(shape.num_tokens - shape.num_split))

    def _near(self, num_tokens: int) -> float:
        """An estimate from the nearest sizes that are computed at once."""
        known = {
            shape.num_tokens: each for shape, each in self._seconds.items() if not shape.num_split
        }
        below = max((n for n in known if n < num_tokens), default=0)
        above = min((n for n in known if n > num_tokens), default=0)
        if not below:
            return known.get(num_tokens, known.get(above, 0.0))
        guess = known[below] * (1 + _STEEPNESS * (num_tokens - below))
        return min(guess, known[above]) if above else guess
