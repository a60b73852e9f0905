"""Reasoning within a text: counts its tokens and decides when it has to end.

Marks are found in the tokens' bytes, including the names of special tokens, regardless of token boundaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Thinking", "Thought"]


_MAX_REST = 3
"""Bytes of a character of UTF-8 after its first."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The marks and the limit of a request's reasoning.

    Attributes:
        opening: Text that begins reasoning.
        closing: Text that ends reasoning.
        ending: Text to write when reasoning has to end: the closing mark, and what models write after it.
        is_open: Whether the prompt ends within reasoning.
        max_tokens: Maximum number of reasoning tokens; None for no limit.
    """

    opening: str
    closing: str
    ending: str
    is_open: bool = False
    max_tokens: int | None = None


class _Place(NamedTuple):
    """The state after a token.

    Whether it is within reasoning, the reasoning tokens so far, text that may begin a mark, and whether the token ended
    a mark.
    """

    is_open: bool
    num_tokens: int
    tail: bytes
    is_mark: bool = False


class Thought:
    """Tracks the reasoning of one growing text.

    Args:
        thinking: Its marks and its limit.
    """

    def __init__(self, thinking: Thinking) -> None:
        self._opening = thinking.opening.strip().encode()
        self._closing = thinking.closing.strip().encode()
        self._max_tokens = thinking.max_tokens
        self._places = [_Place(thinking.is_open, 0, b"")]

    @property
    def is_spent(self) -> bool:
        """Whether the text is within reasoning that has to end here.

        It does not end within a character, for which up to 3 more tokens are allowed, nor where the model is just
        writing its closing mark, for which as many are allowed as the mark has bytes.
        """
        is_open, num_tokens, tail, _ = self._places[-1]
        if not is_open or self._max_tokens is None or num_tokens < self._max_tokens:
            return False
        if num_tokens < self._max_tokens + _MAX_REST and _ends_within_character(tail):
            return False
        if num_tokens >= self._max_tokens + len(self._closing):
            return True  # it begins its mark again and again
        return not _ends_within(tail, self._closing, 1)

    @property
    def is_mark(self) -> bool:
        """Whether the text ends with a mark, or with the first two bytes of one or more."""
        is_open, _, tail, is_mark = self._places[-1]
        return is_mark or _ends_within(tail, self._closing if is_open else self._opening, 2)

    def push(self, piece: bytes) -> None:
        """Add a token by its bytes, or by its name if it is a special token."""
        is_open, num_tokens, tail, _ = self._places[-1]
        mark = self._closing if is_open else self._opening
        text = tail + piece
        _, found, behind = text.partition(mark)
        if found:
            is_open, text = not is_open, behind
        elif is_open:
            num_tokens += 1
        longest = max(len(self._opening), len(self._closing)) - 1
        self._places.append(_Place(is_open, num_tokens, text[-longest:], bool(found)))

    def rewind(self, count: int) -> None:
        """Remove the last tokens."""
        if count:
            del self._places[-count:]

    def end(self) -> None:
        """End reasoning regardless of the limit, as if it were used up now."""
        num_tokens = self._places[-1].num_tokens
        self._max_tokens = (
            num_tokens if self._max_tokens is None else min(self._max_tokens, num_tokens)
        )


def _ends_within(text: bytes, mark: bytes, least: int) -> bool:
    """Whether a text ends with so many bytes of a mark's beginning, or more, but not with all of it."""
    return any(text.endswith(mark[:n]) for n in range(least, len(mark)))


def _ends_within_character(data: bytes) -> bool:
    """Whether UTF-8 goes on: fewer bytes follow the last leading byte than it announces."""
    for count, byte in enumerate(reversed(data[-3:]), 1):
        if byte >= 0xC0:
            return count < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
        if byte < 0x80:
            return False
    return False
