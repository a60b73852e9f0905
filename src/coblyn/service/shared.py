"""A story that several people write together, as in KoboldAI Lite: its latest version, and which writers are busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coblyn.errors import BadRequest

__all__ = ["SharedStory", "Turn"]

MAX_CHARACTERS = 3 << 20
IDLE_SECONDS = 6.0
"""Seconds of silence after which a writer is not busy."""

_MAX_SENDERS = 256


@dataclass(frozen=True, slots=True)
class Turn:
    """The version of the story, from 1.1 on, as KoboldAI Lite takes major version 0 for no story.

    Attributes:
        major: Increases when the story is replaced as a whole.
        minor: Increases with each change in between.
        format: The clients' name for the data format.
    """

    major: int = 1
    minor: int = 1
    format: str = ""


class SharedStory:
    """The story and its writers, in memory.

    Args:
        clock: Gives monotonic seconds.

    Attributes:
        turn: The current version.
        data: The story in the clients' format, empty at first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._busy_at: dict[str, float] = {}
        self.turn = Turn()
        self.data = ""

    def hear(self, sender: str, *, is_busy: bool) -> None:
        """Record that a writer is present, and whether it is about to change the story."""
        now = self._clock()
        self._busy_at = {name: at for name, at in self._busy_at.items() if now - at < IDLE_SECONDS}
        self._busy_at.pop(sender, None)
        if is_busy and len(self._busy_at) < _MAX_SENDERS:
            self._busy_at[sender] = now

    def is_idle_besides(self, sender: str) -> bool:
        """Whether no other writer is busy."""
        now = self._clock()
        others = (at for name, at in self._busy_at.items() if name != sender)
        return all(now - at >= IDLE_SECONDS for at in others)

    def replace(self, data: str, form: str, *, is_whole: bool) -> None:
        """Store a new version of the story.

        Args:
            data: The whole story.
            form: The clients' name for its format.
            is_whole: Whether it replaces the story instead of changing the previous version.

        Raises:
            BadRequest: It is empty or too large.
        """
        if not data or len(data) > MAX_CHARACTERS:
            raise BadRequest(
                f"data must have between 1 character and {MAX_CHARACTERS >> 20} MiB.", field="data"
            )
        major, minor = self.turn.major, self.turn.minor
        self.turn = Turn(major + 1, 1, form) if is_whole else Turn(major, minor + 1, form)
        self.data = data
