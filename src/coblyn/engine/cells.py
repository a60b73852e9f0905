"""Exact count of the KV cells in use when sequences share prefixes.

In a unified KV memory a token takes one cell, and a copied prefix takes none: the cells belong to both sequences and
are freed with their last owner. The library cannot report the number of free cells, so they are counted here.

A *span* is a run of cells that one sequence filled; other sequences may use a prefix of it. Its live length is the
longest use.
"""

from __future__ import annotations

__all__ = ["Cells"]

_Span = dict[int, int]
"""Maps a sequence id to the number of the span's cells that it uses, counted from the span's start."""


class Cells:
    """Counts the used cells of a KV memory of ``total`` cells."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self._spans: dict[int, list[_Span]] = {}

    @property
    def free(self) -> int:
        """Cells that no sequence uses."""
        return self.total - self.used

    def length(self, sequence: int) -> int:
        """Number of tokens that a sequence holds."""
        return sum(span[sequence] for span in self._spans.get(sequence, ()))

    def append(self, sequence: int, count: int) -> None:
        """Extend a sequence by ``count`` tokens."""
        if count == 0:
            return
        spans = self._spans.setdefault(sequence, [])
        # New cells can only follow the live end of a span; after a shared part a new span begins.
        if not spans or spans[-1][sequence] < max(spans[-1].values()):
            spans.append({sequence: 0})
        spans[-1][sequence] += count
        self.used += count

    def copy(self, source: int, target: int, length: int) -> None:
        """Let ``target``, which must be empty, share the first ``length`` tokens of ``source``."""
        assert not self._spans.get(target), "the target of a copy must be empty"
        shared = []
        for span in self._spans.get(source, ()):
            take = min(length, span[source])
            if take == 0:
                break
            span[target] = take
            shared.append(span)
            length -= take
        self._spans[target] = shared

    def truncate(self, sequence: int, length: int) -> None:
        """Truncate a sequence to its first ``length`` tokens."""
        kept = []
        for span in self._spans.get(sequence, ()):
            take = min(length, span[sequence])
            length -= take
            live = max(span.values())
            if take:
                span[sequence] = take
                kept.append(span)
            else:
                del span[sequence]
            self.used -= live - max(span.values(), default=0)
        self._spans[sequence] = kept
