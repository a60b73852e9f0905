"""Matches keys in the scanned texts."""

from __future__ import annotations

from dataclasses import dataclass

from coblyn.story.lore.buffer import Buffer
from coblyn.story.lore.entry import Entry
from coblyn.story.lore.pattern import Clock, Pattern, read_pattern
from coblyn.story.lore.standing import find

__all__ = ["Matcher"]

_NEAR = 200
"""How many messages back a key is looked for that nobody has seen."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """How keys are compared.

    Attributes:
        case_sensitive, whole_words: For entries that do not say it themselves.
        clock: Time for patterns.
    """

    case_sensitive: bool
    whole_words: bool
    clock: Clock

    def stands(self, key: str, entry: Entry, buffer: Buffer, depth: int) -> bool:
        """Whether a key occurs in all that its entry looks at.

        Raises:
            PatternTooSlow: It is a pattern, and that was not known in time.
            BadPattern: It looks like a pattern and is none.
        """
        if pattern := _pattern(key, entry):
            return pattern.occurs(buffer.text(entry, depth), self.clock)
        key, is_exact, is_word = self._plain(key, entry)
        return buffer.has(key, entry, depth, is_exact=is_exact, is_word=is_word)

    def occurs(self, key: str, text: str, entry: Entry) -> bool:
        """Whether a key occurs in a text.

        Raises:
            PatternTooSlow, BadPattern: As in `stands`.
        """
        if pattern := _pattern(key, entry):
            return pattern.occurs(text, self.clock)
        key, is_exact, is_word = self._plain(key, entry)
        return find(text if is_exact else text.lower(), key, is_word) >= 0

    def back(self, key: str, entry: Entry, buffer: Buffer, depth: int) -> int:
        """How many messages back a key stands nearest, of so many; 0 if in none.

        Raises:
            PatternTooSlow, BadPattern: As in `stands`.
        """
        if _pattern(key, entry) is None:
            key, is_exact, is_word = self._plain(key, entry)
            return buffer.back(key, 0, depth, is_exact=is_exact, is_word=is_word)
        looked = enumerate(buffer.messages[:depth], 1)
        return next((back for back, message in looked if self.occurs(key, message, entry)), 0)

    def nearest(self, entry: Entry, buffer: Buffer, after: int) -> tuple[str, int] | None:
        """The plain key that stands nearest behind what is looked at, and how many messages back that is."""
        found: tuple[str, int] | None = None
        after = max(after, 0)
        for written in entry.keys:
            if written.startswith("/") and not entry.is_literal:
                continue
            key, is_exact, is_word = self._plain(written, entry)
            until = after + _NEAR if found is None else found[1] - 1
            if back := buffer.back(key, after, until, is_exact=is_exact, is_word=is_word):
                found = written, back
        return found

    def _plain(self, key: str, entry: Entry) -> tuple[str, bool, bool]:
        """A plain key as it is looked for, whether capitals matter, and whether it must be a word."""
        is_exact = self.case_sensitive if entry.case_sensitive is None else entry.case_sensitive
        is_word = self.whole_words if entry.whole_words is None else entry.whole_words
        key = key if is_exact else key.lower()
        return key, is_exact, is_word and len(key.split()) == 1


def _pattern(key: str, entry: Entry) -> Pattern | None:
    return None if entry.is_literal else read_pattern(key)
