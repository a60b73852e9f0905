"""Decides whether a process hangs. Its reader thread answers pings during a step, so a long step is not a hang.

It counts pings, not seconds, so that time during which the machine slept or this process was stopped does not count.
"""

from __future__ import annotations

__all__ = ["BEAT_SECONDS", "Pulse"]

BEAT_SECONDS = 1.0
"""Seconds between pings."""

_QUIET_BEATS = 3


class Pulse:
    """Counts the unanswered pings of one process.

    Args:
        hang_seconds: Maximum silence; before the first answer, at least ``step_seconds``.
        step_seconds: Maximum duration of a step, and of a load without progress.
    """

    def __init__(self, hang_seconds: float, step_seconds: float) -> None:
        self._hang_seconds = hang_seconds
        self._step_seconds = step_seconds
        self._has_spoken = False
        self._num_silent = 0
        self._step_age = 0.0

    def hear(self, step_age: float | None = None) -> None:
        """Record that it sent something; ``step_age`` is for how many seconds its current step has run."""
        self._has_spoken = True
        self._num_silent = 0
        if step_age is not None:
            self._step_age = step_age

    def beat(self) -> str:
        """Count a ping. Gives the reason why it is considered hung, as a clause, or an empty string."""
        self._num_silent += 1
        silence = self._num_silent * BEAT_SECONDS
        patience = self._hang_seconds
        if not self._has_spoken:  # Python has to start, perhaps from a slow disk
            patience = max(patience, self._step_seconds)
        if silence > patience:
            return f"it did not respond for {silence:.0f} s"
        if self._step_age > self._step_seconds:
            return f"a single step took more than {self._step_seconds:.0f} s"
        return ""

    @property
    def is_quiet(self) -> bool:
        """Whether it has not answered the last few pings."""
        return self._has_spoken and self._num_silent > _QUIET_BEATS
