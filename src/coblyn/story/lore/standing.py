"""Which of many keys stand in a text."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Standing"]

_LONGEST = 16
"""Characters of a key that all keys are looked for by; for the rest of a longer one the text is searched."""

_FEW = 64
"""For so many questions a search each is quicker than a pass for all keys."""


class Standing:
    """Finds keys in texts: all keys of a length in one pass, however many there are.

    Args:
        keys: Those that will be asked for, written as they will be. Others are found too, each by a search.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._starts = frozenset(key[:_LONGEST] for key in keys)
        self._lengths = frozenset(map(len, self._starts))
        self._num_asked: dict[str, int] = {}
        self._found: dict[str, frozenset[str]] = {}

    def has(self, text: str, key: str) -> bool:
        """Whether a text holds a key."""
        found = self._found.get(text)
        if found is None:
            found = self._look(text)
        start = key[:_LONGEST]
        if found is None or start not in self._starts:
            return key in text
        return start in found and (len(key) <= _LONGEST or key in text)

    def _look(self, text: str) -> frozenset[str] | None:
        """The starts of keys that stand in a text; None while few were asked for in it."""
        asked = self._num_asked[text] = self._num_asked.get(text, 0) + 1
        if asked <= _FEW:
            return None
        found = self._found[text] = self._starts.intersection(
            text[at : at + length]
            for length in self._lengths
            for at in range(len(text) - length + 1)
        )
        return found
