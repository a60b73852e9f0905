"""A scripted engine that draws tokens as a test lets it: what happens between two of them is the test's choice."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from coblyn.engine.fake import FakeRunner
from coblyn.engine.plan import Row, Sampled


class Gate:
    """So many tokens may be drawn, for all requests together; none at first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: float = 0

    def let(self, tokens: float) -> None:
        """Let so many more through; infinitely many by ``math.inf``."""
        with self._lock:
            self._left += tokens

    def shut(self) -> None:
        """Let no more through."""
        with self._lock:
            self._left = 0

    def take(self) -> bool:
        """Use one; false where none is left."""
        with self._lock:
            self._left -= (is_open := self._left >= 1)
            return is_open


@dataclass(slots=True)
class GatedRunner(FakeRunner):
    """Draws nothing while its gate is shut; it still hears that a request has ended."""

    gate: Gate = field(default_factory=Gate)

    def _draw(self, row: Row) -> list[Sampled]:
        self._lateness.pop(row.request_id, None)
        if self.gate.take():
            return FakeRunner._draw(self, row)
        time.sleep(0.002)
        self._lateness[row.request_id] = 1  # as a mask that is not there yet
        return []
