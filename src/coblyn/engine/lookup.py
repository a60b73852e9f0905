"""Drafts by lookup: the tokens that followed an earlier occurrence of the last tokens.

This is prompt lookup decoding (A. Saxena, https://github.com/apoorvumang/prompt-lookup-decoding): it is fast where a
text repeats its prompt or itself, as edited code does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

__all__ = ["Index", "Library"]

GRAM = 3
"""Number of equal tokens needed before what followed them is used as a draft."""

_PER_CALL = 1024
"""Maximum number of tokens indexed per call: indexing delays the step, so a long prompt is spread over many."""

_SHIFT = 32

_MASK = (1 << _SHIFT * GRAM) - 1

_MAX_TEXTS = 4


class Index:
    """Maps each n-gram of a growing text to its last place.

    Args:
        cells: Token ids; the list may grow at its end. Cells of media are negative, so no n-gram that is looked up
            contains one.
    """

    __slots__ = ("_ends", "_key", "_num_seen", "cells")

    def __init__(self, cells: list[int]) -> None:
        self.cells = cells
        self._ends: dict[int, int] = {}
        self._key = 0
        self._num_seen = 0

    def update(self) -> int:
        """Index new tokens except the last one, and give the key of the last n-gram; -1 if there is none."""
        cells, ends, key = self.cells, self._ends, self._key
        if self._num_seen > len(cells) - 1:  # the text was cut, and some entries point past its end
            self._num_seen = max(0, len(cells) - 1)
            key = _key(cells[max(0, self._num_seen - GRAM) : self._num_seen])
        end = min(len(cells) - 1, self._num_seen + _PER_CALL)
        for place in range(self._num_seen, end):
            key = (key << _SHIFT | cells[place]) & _MASK
            ends[key] = place + 1
        self._key, self._num_seen = key, end
        return _key(cells[-GRAM:]) if len(cells) >= GRAM and end == len(cells) - 1 else -1

    def after(self, key: int, count: int) -> Sequence[int]:
        """Up to ``count`` tokens that followed an n-gram."""
        end = self._ends.get(key, -1)
        if not GRAM <= end < len(self.cells):
            return ()
        return self.cells[end : end + count]


class Library:
    """The texts finished most recently, which the next ones may repeat."""

    def __init__(self) -> None:
        self._texts: OrderedDict[int, Index] = OrderedDict()
        self._num_added = 0

    def add(self, index: Index) -> None:
        """Keep a finished text in place of the oldest one."""
        self._texts[self._num_added] = index
        self._num_added += 1
        if len(self._texts) > _MAX_TEXTS:
            self._texts.popitem(last=False)

    def after(self, own: Index, count: int) -> Sequence[int]:
        """Up to ``count`` tokens that followed the text's last n-gram, earlier in itself or else in a finished text."""
        key = own.update()
        if key < 0:
            return ()
        for index in (own, *reversed(self._texts.values())):
            found = index.after(key, count)
            if found:
                return found
        return ()


def _key(tokens: Sequence[int]) -> int:
    key = 0
    for token in tokens:
        key = key << _SHIFT | token & ((1 << _SHIFT) - 1)
    return key
