"""Whether a process still answers. Its reader thread does while its engine thread computes: a long step is not a hang.

Beats are counted, not seconds: where the whole machine slept, or this process was stopped, nobody missed a beat.
"""

from __future__ import annotations

__all__ = ["BEAT_SECONDS", "Pulse"]

BEAT_SECONDS = 1.0
"""A question a second."""

_QUIET_BEATS = 3


class Pulse:
    """Counts the beats of one process that were not answered.

    Args:
        hang_seconds: How long it may be silent; before its first word at least as long as a step.
        step_seconds: How long one step may take, and a load may show no progress.
    """

    def __init__(self, hang_seconds: float, step_seconds: float) -> None:
        self._hang_seconds = hang_seconds
        self._step_seconds = step_seconds
        self._has_spoken = False
        self._num_silent = 0
        self._step_age = 0.0

    def hear(self, step_age: float | None = None) -> None:
        """It sent something; perhaps for how many seconds the step in hand has run."""
        self._has_spoken = True
        self._num_silent = 0
        if step_age is not None:
            self._step_age = step_age

    def beat(self) -> str:
        """A beat is over; why it is taken to hang, as a clause, or an empty string."""
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
        """Whether it has not answered for some beats."""
        return self._has_spoken and self._num_silent > _QUIET_BEATS
