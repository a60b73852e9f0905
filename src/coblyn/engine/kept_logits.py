"""Logits kept for later draws: those at the ends of prompts, and those of rows whose masks are late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.plan import Row

__all__ = ["KeptLogits"]

Logits = NDArray[np.float32]


class KeptLogits:
    """The logits that a runner keeps.

    Args:
        vocab_size: Number of logits per row.
    """

    def __init__(self, vocab_size: int) -> None:
        self._vocab_size = vocab_size
        self._ends: dict[int, Logits] = {}
        self._late: dict[tuple[str, bool], Logits] = {}

    def of(self, row: Row) -> Logits | None:
        """The kept logits of a row without tokens; None if the row has tokens to compute."""
        if row.tokens:
            return None
        late = self._late.get((row.request_id, row.is_guide))
        return self._ends[row.sequence] if late is None else late

    def room_for(self, row: Row) -> Logits | None:
        """A new array for the logits at the end of a prompt; None if the row does not end one."""
        if not (row.tokens and row.keeps_logits):
            return None
        # Always a new array: copied sequences share the old one.
        keep = self._ends[row.sequence] = np.empty(self._vocab_size, np.float32)
        return keep

    def room_for_late(self, request_id: str, keep: Logits | None, *, is_guide: bool) -> Logits:
        """An array for the logits of a row whose mask is late, or of its guide.

        ``keep`` if they are stored there anyway.
        """
        if keep is None:
            keep = np.empty(self._vocab_size, np.float32)
        self._late[request_id, is_guide] = keep
        return keep

    def forget_late(self, request_id: str) -> None:
        """Drop a request's late logits: it has its mask, or is over."""
        if self._late:
            self._late.pop((request_id, False), None)
            self._late.pop((request_id, True), None)

    def end(self, sequence: int) -> Logits | None:
        """The logits at the end of a sequence's prompt, if they are kept."""
        return self._ends.get(sequence)

    def put_end(self, sequence: int, logits: Logits | None) -> None:
        """Keep logits for a sequence that got a copy of another's prompt; None changes nothing."""
        if logits is not None:
            self._ends[sequence] = logits

    def drop_end(self, sequence: int) -> None:
        """Drop the logits of a sequence that was emptied."""
        self._ends.pop(sequence, None)
