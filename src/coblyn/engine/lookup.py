"""Drafts by lookup: the tokens that followed an earlier occurrence of the last tokens.

This is prompt lookup decoding (A. Saxena, https://github.com/apoorvumang/prompt-lookup-decoding): it is fast where a
text repeats its prompt or itself, as edited code does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["GRAM", "Index", "Library", "Match"]

GRAM = 3
"""Number of equal tokens needed before what followed them is used as a draft."""

_PER_CALL = 1024
"""Maximum number of tokens indexed per call: indexing delays the step, so a long prompt is spread over many."""

_SHIFT = 32

_MASK = (1 << _SHIFT * GRAM) - 1

_MAX_TEXTS = 4

_LONGEST = 32


class Match(NamedTuple):
    """Tokens that followed an earlier occurrence of a text's last tokens.

    Attributes:
        tokens: Their ids; empty if nothing was found.
        length: Number of equal tokens before them, counted up to 32.
    """

    tokens: Sequence[int]
    length: int


_NOTHING = Match((), 0)


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

    def after(self, text: Sequence[int], key: int, count: int) -> Match:
        """Up to ``count`` tokens that followed the last n-gram of a text, which has a key."""
        end = self._ends.get(key, -1)
        if not GRAM <= end < len(self.cells):
            return _NOTHING
        length = GRAM
        longest = min(_LONGEST, end, len(text))
        while length < longest and self.cells[end - 1 - length] == text[-1 - length]:
            length += 1
        return Match(self.cells[end : end + count], length)


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

    def after(self, own: Index, count: int) -> Match:
        """Up to ``count`` tokens that followed the text's last n-gram, earlier in itself or else in a finished text."""
        key = own.update()
        if key < 0:
            return _NOTHING
        for index in (own, *reversed(self._texts.values())):
            found = index.after(own.cells, key, count)
            if found.tokens:
                return found
        return _NOTHING


def _key(tokens: Sequence[int]) -> int:
    key = 0
    for token in tokens:
        key = key << _SHIFT | token & ((1 << _SHIFT) - 1)
    return key
