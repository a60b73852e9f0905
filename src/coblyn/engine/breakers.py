"""DRY's sequence breakers as token sequences. A breaker's text need not coincide with token boundaries."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

__all__ = ["MAX_BREAKER", "Breakers"]

MAX_BREAKER = 40
"""Maximum number of characters of a breaker that are used, as in KoboldCPP."""

_MAX_TAIL = 20
"""Maximum number of tokens of a breaker after its first one, as in KoboldCPP."""

_MAX_KNOWN = 1024
"""Number of breakers whose sequences are cached."""

_END = b"\xff"
"""Separates the tokens' texts; it cannot occur in UTF-8."""


class Breakers:
    """Finds the tokens that break a repetition.

    A token breaks it if its text contains the whole breaker, or ends with the beginning of the breaker and is followed
    by the tokens of the rest.

    Args:
        pieces: The text of each token, indexed by id.
        tokenize: Gives the tokens of a text, without special ones.
    """

    def __init__(self, pieces: Sequence[bytes], tokenize: Callable[[str], Sequence[int]]) -> None:
        self._tokenize = tokenize
        # All tokens in one long text, so that searching it is a loop in C. Tokens that are not UTF-8 are left out.
        self._starts: list[int] = []
        parts, length = [], 0
        for piece in pieces:
            self._starts.append(length)
            part = (b"" if _END in piece else piece) + _END
            parts.append(part)
            length += len(part)
        self._text = b"".join(parts)
        self._known: dict[str, tuple[tuple[int, ...], ...]] = {}

    def sequences(self, texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """All token sequences that break a repetition."""
        return tuple(dict.fromkeys(part for text in texts for part in self._of(text[:MAX_BREAKER])))

    def _of(self, text: str) -> tuple[tuple[int, ...], ...]:
        if text not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[text] = tuple(self._find(text)) if text else ()
        return self._known[text]

    def _find(self, text: str) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = [
            (token,) for token in self._tokens_with(re.escape(text.encode()))
        ]
        for cut in range(1, len(text)):
            head, rest = text[:cut].encode(), text[cut:]
            tail = tuple(self._tokenize(rest))[:_MAX_TAIL]
            if tail:
                found += [(token, *tail) for token in self._tokens_with(re.escape(head) + _END)]
        return found

    def _tokens_with(self, pattern: bytes) -> list[int]:
        places = (match.start() for match in re.finditer(pattern, self._text))
        return list(dict.fromkeys(bisect_right(self._starts, place) - 1 for place in places))
