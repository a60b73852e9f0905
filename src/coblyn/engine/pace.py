"""How long steps take, by their shape: measured, and estimated until then."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

__all__ = ["Pace", "Shape"]

_STEEPNESS = 0.1
"""Assumed cost of one more token, as a fraction of a step, until it is measured."""

_TRUSTED = 3
"""Number of measurements after which their median is trusted."""

_NUM_KEPT = 9
"""Number of latest measurements of which the median is taken: other programs interrupt single steps."""

_MEMORY = 512
"""Number of steps after which a shape not measured again is unknown: the machine may be less busy by then."""


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


class _Times:
    """The latest durations of one shape, in seconds."""

    def __init__(self) -> None:
        self._latest = deque[float](maxlen=_NUM_KEPT)
        self.typical = 0.0
        self.count = 0
        self.last = 0

    def add(self, seconds: float, now: int) -> None:
        self._latest.append(seconds)
        self.typical = median(self._latest)
        self.count = min(len(self._latest), _TRUSTED)
        self.last = now


class Pace:
    """Durations of steps, by their shape."""

    def __init__(self) -> None:
        self._times: dict[Shape, _Times] = {}
        self._num_steps = 0

    def note(self, shape: Shape, seconds: float) -> None:
        """Record the duration of a step."""
        self._num_steps += 1
        times = self._known(shape)
        if times is None:
            times = self._times[shape] = _Times()
        times.add(seconds, self._num_steps)

    def seconds(self, shape: Shape) -> float:
        """Expected duration of a step in seconds; 0 while nothing is known.

        Rarely measured sizes are assumed to be fast, so that they are tried. A split step takes as long as its parts.
        """
        times = self._known(shape)
        if times and times.count == _TRUSTED:
            return times.typical
        guess = self._sum_of_parts(shape) if shape.num_split else self._near(shape.num_tokens)
        if not times or not guess:
            return times.typical if times else guess
        return guess + times.count / _TRUSTED * (times.typical - guess)

    def covers(self, num_tokens: int) -> bool:
        """Whether a step of so many tokens or fewer was measured; a larger one tells only that it takes no longer."""
        sizes = (shape.num_tokens for shape in self._times if self._known(shape))
        return min(sizes, default=num_tokens + 1) <= num_tokens

    def _known(self, shape: Shape) -> _Times | None:
        """What was measured, unless that is long ago."""
        times = self._times.get(shape)
        return times if times and self._num_steps - times.last < _MEMORY else None

    def _sum_of_parts(self, shape: Shape) -> float:
        first = self.seconds(Shape(shape.num_split))
        return first and first + self.seconds(Shape(shape.num_tokens - shape.num_split))

    def _near(self, num_tokens: int) -> float:
        """An estimate from the nearest sizes that are computed at once."""
        known = {
            shape.num_tokens: times.typical
            for shape in self._times
            if not shape.num_split and (times := self._known(shape))
        }
        below = max((n for n in known if n < num_tokens), default=0)
        above = min((n for n in known if n > num_tokens), default=0)
        if not below:
            return known.get(num_tokens, known.get(above, 0.0))
        guess = known[below] * (1 + _STEEPNESS * (num_tokens - below))
        return min(guess, known[above]) if above else guess
