"""Decides when an engine that died is restarted: at once, or later and only when a request arrives."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from coblyn.engine.death import Death

__all__ = ["DEATH_WINDOW", "MAX_DEATHS", "Revival"]

MAX_DEATHS = 3
"""Number of deaths within ``DEATH_WINDOW`` seconds after which restarts are delayed."""

DEATH_WINDOW = 60.0

_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0
"""Delay in seconds, doubled after each further failure."""

_Signature = tuple[int, int, int] | None


class Revival:
    """The recent deaths of an engine.

    Args:
        model: The model's file, or empty; when it changes, restarting is allowed again.
        clock: Gives monotonic seconds.
    """

    def __init__(self, model: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._clock = clock
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._wait = 0.0
        self._until = 0.0
        self._signature: _Signature = None

    def is_at_once(self, death: Death) -> bool:
        """Record a death. Gives whether to restart at once."""
        now = self._clock()
        if self._deaths and now - self._deaths[-1] > _LONGEST_WAIT + DEATH_WINDOW:
            self._wait = 0.0
        self._deaths.append(now)
        is_often = len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATH_WINDOW
        if death.was_ready and not death.is_illegal and not is_often:
            return True
        self._wait = min(2 * self._wait, _LONGEST_WAIT) or _FIRST_WAIT
        self._until = now + self._wait
        self._signature = self._look()
        return False

    @property
    def is_due(self) -> bool:
        """Whether a restart is allowed: the delay is over, or the file has changed."""
        return self._clock() >= self._until or self._look() != self._signature

    @property
    def when(self) -> str:
        """When a restart is allowed, as a sentence."""
        seconds = max(1, math.ceil(self._until - self._clock()))
        change = ", or once the file has changed," if self._model else ""
        return f"The next request after {seconds} s{change} restarts it."

    def _look(self) -> _Signature:
        try:
            found = Path(self._model).stat() if self._model else None
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None
