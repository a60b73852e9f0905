"""Matches keys in the scanned texts."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from coblyn.story.lore.entry import Entry
from coblyn.story.lore.pattern import Clock, read_pattern
from coblyn.story.lore.standing import Standing

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
    _whole: dict[tuple[object, ...], str] = field(default_factory=dict)
    _far: dict[int, str] = field(default_factory=dict)

    def text(self, entry: Entry, depth: int, *, with_called: bool = True) -> str:
        """All that an entry looks at."""
        depth = min(depth if entry.scan_depth is None else entry.scan_depth, MAX_DEPTH)
        called = self.called if with_called and not entry.exclude_recursion else []
        about = (depth, entry.sources, len(called))
        if about not in self._whole:
            parts = [self._recent(depth)] if depth > 0 else []
            parts += [self.sources[name] for name in entry.sources if self.sources.get(name)]
            self._whole[about] = f"\n{_MARK}".join([*parts, *called])
        return self._whole[about]

    def far(self, after: int) -> str:
        """The messages behind those that are looked at, as far as keys are looked for there."""
        if after not in self._far:
            self._far[after] = "\n".join(self.messages[after : after + _NEAR])
        return self._far[after]

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
        standing: Finds plain keys.
    """

    case_sensitive: bool
    whole_words: bool
    clock: Clock
    standing: Standing

    def occurs(self, key: str, text: str, entry: Entry) -> bool:
        """Whether a key occurs.

        Raises:
            PatternTooSlow: It is a pattern, and that was not known in time.
            BadPattern: It looks like a pattern and is none.
        """
        if not entry.is_literal and (pattern := read_pattern(key)):
            return pattern.occurs(text, self.clock)
        if not self._is_exact(entry):
            key, text = key.lower(), _lowered(text)
        is_word = self.whole_words if entry.whole_words is None else entry.whole_words
        if not self.standing.has(text, key):
            return False
        return not (is_word and len(key.split()) == 1) or _word(key).search(text) is not None

    def nearest(self, entry: Entry, buffer: Buffer, after: int) -> tuple[str, int] | None:
        """The plain key that stands nearest behind what is looked at, and how many messages back that is."""
        far = buffer.far(after)
        plain = [key for key in entry.keys if entry.is_literal or not key.startswith("/")]
        # Most keys of a large book stand nowhere, which one look at all messages tells.
        keys = [key for key in plain if self._is_in(key, far, entry)]
        if not keys:
            return None
        for back, message in enumerate(buffer.messages[after : after + _NEAR], after + 1):
            for key in keys:
                if self.occurs(key, message, entry):
                    return key, back
        return None

    def _is_exact(self, entry: Entry) -> bool:
        return self.case_sensitive if entry.case_sensitive is None else entry.case_sensitive

    def _is_in(self, key: str, text: str, entry: Entry) -> bool:
        """Whether the letters of a plain key stand in a text, as a word or within one."""
        if self._is_exact(entry):
            return self.standing.has(text, key)
        return self.standing.has(_lowered(text), key.lower())


@functools.lru_cache(maxsize=32)
def _lowered(text: str) -> str:
    return text.lower()


@functools.lru_cache(maxsize=2048)
def _word(key: str) -> re.Pattern[str]:
    # As in JavaScript, letters beyond ASCII are not part of words: so keys of Chinese need no spaces around them.
    return re.compile(f"(?:^|[^A-Za-z0-9_]){re.escape(key)}(?:$|[^A-Za-z0-9_])")
