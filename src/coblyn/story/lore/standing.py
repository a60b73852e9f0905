"""Where keys stand in a text."""

from __future__ import annotations

import string
from collections.abc import Iterable

__all__ = ["Keys", "Standing", "find"]

_LONGEST = 16
"""Characters of a key that all keys are looked for by; for the rest of a longer one the text is searched."""

_PASS = 500
"""So many keys can be searched for in the time that a pass for all keys takes for each of their lengths."""

_FEW = 64
"""What fewer questions are about is not worth a pass, as large as the book may be."""

_WORD = frozenset(string.ascii_letters + string.digits + "_")


def find(text: str, key: str, is_word: bool, start: int = 0, end: int | None = None) -> int:
    """The place of the first occurrence of a key between two places of a text; -1 if there is none.

    Args:
        text: Where to look.
        key: What to look for.
        is_word: Whether it must not stand within a word. As in JavaScript, letters beyond ASCII are not part of words:
            so keys of Chinese need no spaces around them.
        start: The first place; a word may have begun before it.
        end: The place behind the last one, where all words end; None for the end of the text.
    """
    end = len(text) if end is None else end
    at = text.find(key, start, end)
    while is_word and at >= 0 and not _is_alone(text, at, at + len(key), end):
        at = text.find(key, at + 1, end)
    return at


def _is_alone(text: str, start: int, stop: int, end: int) -> bool:
    return not (start and text[start - 1] in _WORD) and (stop == end or text[stop] not in _WORD)


class Keys:
    """Keys that may be asked for.

    Args:
        keys: They, written as they will be.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._starts = frozenset(key[:_LONGEST] for key in keys)
        self._lengths = frozenset(map(len, self._starts))

    @property
    def are_many(self) -> bool:
        """Whether a pass for all of them is quicker than a search for each."""
        return len(self._starts) > _PASS * len(self._lengths)

    def begun(self, text: str) -> frozenset[str]:
        """The beginnings, of up to 16 characters, that stand in a text: a pass for each length, for any number."""
        least = min(self._lengths, default=0)
        heads = {start[:least] for start in self._starts}
        places = [at for at in range(len(text) - least + 1) if text[at : at + least] in heads]
        return frozenset[str]().union(
            *(
                self._starts.intersection([text[at : at + length] for at in places])
                for length in self._lengths
            )
        )

    def __contains__(self, key: str) -> bool:
        return key[:_LONGEST] in self._starts


class Standing:
    """Finds keys in a text that may grow at its end, and looks for none of them twice in the same part of it.

    What is added begins with a line break and a mark, which no key may hold, and no key ends with a line break: so that
    no word and no key goes on in it.

    Args:
        keys: Those that will be asked for. Others are found too.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._text = ""
        self._found: dict[tuple[str, bool], int] = {}
        self._searched: dict[tuple[str, bool], int] = {}
        self._begun: set[str] = set()
        self._passed = self._num_asked = 0

    def __len__(self) -> int:
        return len(self._text)

    def grow(self, text: str) -> None:
        """Add to the text."""
        self._text += text

    def find(self, key: str, is_word: bool, end: int) -> int:
        """The place of the first occurrence of a key before a place, the end of something that was added; or -1."""
        about = (key, is_word)
        at = self._found.get(about)
        if at is None:
            at = self._search(key, is_word, end)
            if at >= 0:
                self._found[about] = at
        return at if at + len(key) <= end else -1

    def _search(self, key: str, is_word: bool, end: int) -> int:
        about = (key, is_word)
        searched = self._searched.get(about, 0)
        if searched >= end or self._is_absent(key, end):
            return -1
        at = find(self._text, key, is_word, searched, end)
        if at < 0:
            self._searched[about] = end
        return at

    def _is_absent(self, key: str, end: int) -> bool:
        """Whether a pass for all keys has told that one does not stand before a place."""
        if not self._keys.are_many:
            return False
        if self._passed < end:
            self._num_asked += 1
            if self._num_asked <= _FEW:
                return False
            self._begun |= self._keys.begun(self._text[self._passed : end])
            self._passed, self._num_asked = end, 0
        return key in self._keys and key[:_LONGEST] not in self._begun
