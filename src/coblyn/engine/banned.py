"""Banned phrases and patterns, matched together."""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import NamedTuple

from coblyn.engine.half_character import characters_after
from coblyn.engine.patterns import Patterns, State, patterns_of
from coblyn.engine.phrases import START, Phrases, Step, phrases_of

__all__ = ["Banned", "Place", "banned_of"]

_MAX_CHARACTERS = 1 << 12
"""Of more characters with a common beginning it is not found out whether all of them are banned."""

_MAX_KEPT = 1 << 10
"""Answers to that which are kept."""

_MAX_THREADS = 16
"""Threads of a state whose answers are kept. Few come again and again; many are hardly ever the same, and take room."""


class Place(NamedTuple):
    """The state of both automata: that of the phrases and that of the patterns."""

    phrase: int = START
    pattern: State = State()


class Banned:
    """Matches phrases and patterns at the same time.

    Args:
        phrases: None for none.
        patterns: None for none.
    """

    start = Place()

    def __init__(self, phrases: Phrases | None, patterns: Patterns | None = None) -> None:
        self._phrases = phrases
        self._patterns = patterns
        self._are_all_banned = lru_cache(maxsize=_MAX_KEPT)(self._try_all)

    @property
    def has_patterns(self) -> bool:
        """Whether it matches patterns, whose matches may depend on the text around them."""
        return self._patterns is not None

    def step(self, place: Place, character: str) -> Step[Place]:
        """Advance by one character of the text."""
        phrase, pattern, match = place.phrase, place.pattern, 0
        if self._phrases:
            phrase, match = self._phrases.step(phrase, character)
        if self._patterns:
            pattern, other = self._patterns.step(pattern, character)
            match = max(match, other)
        return Step(Place(phrase, pattern), match)

    def begins_in(self, piece: bytes, place: Place) -> tuple[bool, int]:
        """Whether a token would write something banned that begins within it.

        If it ends in a part of a character, then every character that this may become has to be banned.

        Args:
            piece: The bytes of the token.
            place: The state before it.

        Returns:
            The answer, and how many characters were tried; of an empty token none.
        """
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        length = 0
        for length, character in enumerate(decoder.decode(piece), 1):
            place, match = self.step(place, character)
            if match:
                return match <= length, length
        begun = decoder.getstate()[0]
        if not begun:
            return False, length
        is_small = len(place.pattern.threads) <= _MAX_THREADS
        are_all_banned = self._are_all_banned if is_small else self._try_all
        return are_all_banned(characters_after(begun), place, length)

    def _try_all(self, characters: range, place: Place, length: int) -> tuple[bool, int]:
        if len(characters) > _MAX_CHARACTERS:
            return False, length + 1
        for count, code in enumerate(characters, length + 1):
            match = self.step(place, chr(code)).match
            if not 0 < match <= length + 1:
                return False, count
        return True, length + len(characters)

    def pending(self, place: Place) -> int:
        """Number of characters at the end of the text that may begin something banned."""
        phrase = self._phrases.pending(place.phrase) if self._phrases else 0
        pattern = self._patterns.pending(place.pattern) if self._patterns else 0
        return max(phrase, pattern)


@lru_cache(maxsize=16)
def banned_of(phrases: tuple[str, ...], patterns: tuple[str, ...]) -> Banned | None:
    """The matcher for what a request bans, shared by those that ban the same; None if it bans nothing.

    Raises:
        BadRequest: A pattern is invalid.
    """
    if not phrases and not patterns:
        return None
    return Banned(
        phrases_of(phrases) if phrases else None, patterns_of(patterns) if patterns else None
    )
