"""Logits that are kept to be drawn from later: those at the ends of prompts, and those of rows whose masks are late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.plan import Row

__all__ = ["KeptLogits"]

Logits = NDArray[np.float32]


class KeptLogits:
    """What a runner keeps.

    Args:
        vocab_size: Logits in a row.
    """

    def __init__(self, vocab_size: int) -> None:
        self._vocab_size = vocab_size
        self._ends: dict[int, Logits] = {}
        self._late: dict[tuple[str, bool], Logits] = {}

    def of(self, row: Row) -> Logits | None:
        """What a row draws from, or guides with, whose tokens are computed already; None if it has tokens."""
        if row.tokens:
            return None
        late = self._late.get((row.request_id, row.is_guide))
        return self._ends[row.sequence] if late is None else late

    def room_for(self, row: Row) -> Logits | None:
        """Where the logits at the end of a prompt go; None if the row does not end one."""
        if not (row.tokens and row.keeps_logits):
            return None
        # A new array each time: sequences that were copied share the old one.
        keep = self._ends[row.sequence] = np.empty(self._vocab_size, np.float32)
        return keep

    def room_for_late(self, request_id: str, keep: Logits | None, *, is_guide: bool) -> Logits:
        """Where the logits of a row whose mask is late go, or those of its guide; ``keep`` if they go there anyway."""
        if keep is None:
            keep = np.empty(self._vocab_size, np.float32)
        self._late[request_id, is_guide] = keep
        return keep

    def forget_late(self, request_id: str) -> None:
        """A request has its mask, or is over."""
        if self._late:
            self._late.pop((request_id, False), None)
            self._late.pop((request_id, True), None)

    def end(self, sequence: int) -> Logits | None:
        """The logits at the end of a sequence's prompt, if they are kept."""
        return self._ends.get(sequence)

    def put_end(self, sequence: int, logits: Logits | None) -> None:
        """A sequence has a copy of another's prompt."""
        if logits is not None:
            self._ends[sequence] = logits

    def drop_end(self, sequence: int) -> None:
        """A sequence is empty."""
        self._ends.pop(sequence, None)
