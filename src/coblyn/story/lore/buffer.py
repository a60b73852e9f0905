"""The texts that entries look at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from coblyn.story.lore.entry import Entry
from coblyn.story.lore.standing import Keys, Standing, find

__all__ = ["MAX_DEPTH", "Buffer"]

MAX_DEPTH = 1000

_MARK = "\x01"
"""Stands before each message, so that a pattern can tell where one begins."""

_BREAK = f"\n{_MARK}"


class Buffer:
    """The texts of one scan.

    Args:
        messages: The newest first.
        sources: Further texts, by the names of `entry.MATCHED`.
        keys: What will be looked for.

    Attributes:
        messages: The same.
    """

    def __init__(
        self, messages: Sequence[str], sources: Mapping[str, str], keys: Iterable[str]
    ) -> None:
        self.messages = messages
        self._sources = {name: text for name, text in sources.items() if text}
        self._called: list[str] = []
        keys = tuple(keys)
        self._letters = {
            is_exact: _Letters(messages, self._sources, keys, fold)
            for is_exact, fold in ((True, str), (False, str.lower))
        }

    def call(self, contents: Iterable[str]) -> None:
        """Add contents of entries that fired, for those that they call."""
        contents = list(contents)
        self._called += contents
        for letters in self._letters.values():
            letters.call(contents)

    def text(self, entry: Entry, depth: int) -> str:
        """All that an entry looks at."""
        depth = _depth(entry, depth)
        parts = [_MARK + _BREAK.join(self.messages[:depth])] if depth > 0 else []
        parts += [self._sources[name] for name in entry.sources if name in self._sources]
        return _BREAK.join(parts if entry.exclude_recursion else [*parts, *self._called])

    def has(self, key: str, entry: Entry, depth: int, *, is_exact: bool, is_word: bool) -> bool:
        """Whether a plain key, in small letters if those do not matter, stands in all that an entry looks at."""
        if not _is_in_a_text(key):
            text = self.text(entry, depth)
            return find(text if is_exact else text.lower(), key, is_word) >= 0
        letters = self._letters[is_exact]
        return letters.has(key, is_word, entry, _depth(entry, depth))

    def back(self, key: str, after: int, until: int, *, is_exact: bool, is_word: bool) -> int:
        """How many messages back a plain key stands nearest, of those after some and up to others; 0 if in none."""
        if _is_in_a_text(key):
            back = self._letters[is_exact].back(key, is_word, until)
            if not 0 < back <= after:
                return back
        for back, message in enumerate(self.messages[after:until], after + 1):
            if find(message if is_exact else message.lower(), key, is_word) >= 0:
                return back
        return 0


class _Letters:
    """The texts, as written or in small letters; made as far as they are looked at."""

    def __init__(
        self,
        messages: Sequence[str],
        sources: Mapping[str, str],
        keys: Iterable[str],
        fold: Callable[[str], str],
    ) -> None:
        self._messages, self._sources, self._written, self._fold = messages, sources, keys, fold
        self._ends = [0]
        self._standing: dict[str, Standing] = {}

    def call(self, contents: Iterable[str]) -> None:
        for content in contents:
            self._called.grow(_BREAK + self._fold(content))

    def has(self, key: str, is_word: bool, entry: Entry, depth: int) -> bool:
        """Whether a key stands in what an entry looks at."""
        if depth > 0 and self.back(key, is_word, depth):
            return True
        further = [self._source(name) for name in entry.sources if name in self._sources]
        if not entry.exclude_recursion:
            further.append(self._called)
        return any(text.find(key, is_word, len(text)) >= 0 for text in further)

    def back(self, key: str, is_word: bool, until: int) -> int:
        """How many messages back a key stands nearest, of so many; 0 if it does not."""
        until = min(until, len(self._messages))
        while len(self._ends) <= until:
            self._recent.grow(_BREAK + self._fold(self._messages[len(self._ends) - 1]))
            self._ends.append(len(self._recent))
        at = self._recent.find(key, is_word, self._ends[until])
        return bisect_right(self._ends, at) if at >= 0 else 0

    @cached_property
    def _keys(self) -> Keys:
        return Keys(map(self._fold, self._written))

    @cached_property
    def _recent(self) -> Standing:
        return Standing(self._keys)

    @cached_property
    def _called(self) -> Standing:
        return Standing(self._keys)

    def _source(self, name: str) -> Standing:
        if name not in self._standing:
            self._standing[name] = Standing(self._keys)
            self._standing[name].grow(self._fold(self._sources[name]))
        return self._standing[name]


def _depth(entry: Entry, depth: int) -> int:
    return min(depth if entry.scan_depth is None else entry.scan_depth, MAX_DEPTH)


def _is_in_a_text(key: str) -> bool:
    """Whether a key can be looked for in each text alone: it is not empty and no part of it can be that of a break."""
    return bool(key) and not key.endswith("\n") and _MARK not in key
