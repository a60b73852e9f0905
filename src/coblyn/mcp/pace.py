"""How fast a tool server may talk: freely at first, then at a steady rate, so that a flood costs little."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Pace"]


@dataclass(slots=True)
class Pace:
    """An allowance that refills. Whoever overdraws it waits, which in turn makes the sender wait.

    Attributes:
        burst: The largest allowance, which is there at first.
        rate: What is added a second.
        clock: Gives monotonic seconds.
    """

    burst: float
    rate: float
    clock: Callable[[], float] = time.monotonic
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._at = self.burst, self.clock()

    def take(self, amount: float) -> float:
        """Take an amount, and return the seconds to wait before anything else is taken; mostly 0."""
        now = self.clock()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate) - amount
        self._at = now
        return max(0.0, -self._left / self.rate)
