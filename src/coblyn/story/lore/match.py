"""Matches keys in the scanned texts."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from coblyn.story.lore.entry import Entry
from coblyn.story.lore.pattern import Clock, read_pattern

__all__ = ["Buffer", "Matcher"]

MAX_DEPTH = 1000
_NEAR = 200
"""How many messages back a key is looked for that nobody has seen."""

_MARK = "\x01"
"""Stands before each message, so that a pattern can tell where one begins."""


@dataclass(slots=True)
class Buffer:
    """The texts that entries look at.

    Attributes:
        messages: The newest first.
        sources: Further texts, by the names of `entry.MATCHED`.
        called: Contents of entries that fired, for those that they call.
    """

    messages: Sequence[str]
    sources: dict[str, str] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)
    _texts: dict[int, str] = field(default_factory=dict)

    def text(self, entry: Entry, depth: int, *, with_called: bool = True) -> str:
        """All that an entry looks at."""
        depth = min(depth if entry.scan_depth is None else entry.scan_depth, MAX_DEPTH)
        parts = [self._recent(depth)] if depth > 0 else []
        parts += [self.sources[name] for name in entry.sources if self.sources.get(name)]
        if with_called and not entry.exclude_recursion:
            parts += self.called
        return f"\n{_MARK}".join(parts)

    def _recent(self, depth: int) -> str:
        if depth not in self._texts:
            self._texts[depth] = _MARK + f"\n{_MARK}".join(self.messages[:depth])
        return self._texts[depth]


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

    def occurs(self, key: str, text: str, entry: Entry) -> bool:
        """Whether a key occurs.

        Raises:
            PatternTooSlow: It is a pattern, and that was not known in time.
            BadPattern: It looks like a pattern and is none.
        """
        if not entry.is_literal and (pattern := read_pattern(key)):
            return pattern.occurs(text, self.clock)
        is_exact = self.case_sensitive if entry.case_sensitive is None else entry.case_sensitive
        if not is_exact:
            key, text = key.lower(), _lowered(text)
        is_word = self.whole_words if entry.whole_words is None else entry.whole_words
        if is_word and len(key.split()) == 1:
            return _word(key).search(text) is not None
        return key in text

    def nearest(self, entry: Entry, messages: Sequence[str], after: int) -> tuple[str, int] | None:
        """The plain key that stands nearest behind what is looked at, and how many messages back that is."""
        for back, message in enumerate(messages[after : after + _NEAR], after + 1):
            for key in entry.keys:
                is_plain = entry.is_literal or not key.startswith("/")
                if is_plain and self.occurs(key, message, entry):
                    return key, back
        return None


@functools.lru_cache(maxsize=32)
def _lowered(text: str) -> str:
    return text.lower()


@functools.lru_cache(maxsize=2048)
def _word(key: str) -> re.Pattern[str]:
    # As in JavaScript, letters beyond ASCII are not part of words: so keys of Chinese need no spaces around them.
    return re.compile(f"(?:^|[^A-Za-z0-9_]){re.escape(key)}(?:$|[^A-Za-z0-9_])")
