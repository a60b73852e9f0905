"""Banned phrases and patterns, matched together."""

from __future__ import annotations

from typing import NamedTuple

from coblyn.engine.patterns import Patterns, State, patterns_of
from coblyn.engine.phrases import START, Phrases, Step, phrases_of

__all__ = ["Banned", "Place", "banned_of"]


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

    def pending(self, place: Place) -> int:
        """Number of characters at the end of the text that may begin something banned."""
        phrase = self._phrases.pending(place.phrase) if self._phrases else 0
        pattern = self._patterns.pending(place.pattern) if self._patterns else 0
        return max(phrase, pattern)


def banned_of(phrases: tuple[str, ...], patterns: tuple[str, ...]) -> Banned | None:
    """The matcher for what a request bans; None if it bans nothing.

    Raises:
        BadRequest: A pattern is invalid.
    """
    if not phrases and not patterns:
        return None
    return Banned(
        phrases_of(phrases) if phrases else None, patterns_of(patterns) if patterns else None
    )
