"""Reasoning within a text: how long it is, and when it has to end.

Marks are found in the bytes of tokens, with the names of special ones, wherever tokens begin and end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Thinking", "Thought"]


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a request's reasoning is marked, and how much of it there may be.

    Attributes:
        opening: Text that begins it.
        closing: Text that ends it.
        ending: What is written where it has to end: the closing mark, and what models write behind it.
        is_open: The prompt ended within reasoning.
        max_tokens: Maximum number of tokens of reasoning; None for no limit.
    """

    opening: str
    closing: str
    ending: str
    is_open: bool = False
    max_tokens: int | None = None


class _Place(NamedTuple):
    """Behind a token: whether that was within reasoning, tokens of it so far, and text that may begin a mark."""

    is_open: bool
    num_tokens: int
    tail: bytes


class Thought:
    """The reasoning of one text as it grows.

    Args:
        thinking: What is known of it, and its limit.
    """

    def __init__(self, thinking: Thinking) -> None:
        self._opening = thinking.opening.strip().encode()
        self._closing = thinking.closing.strip().encode()
        self._max_tokens = thinking.max_tokens
        self._places = [_Place(thinking.is_open, 0, b"")]

    @property
    def is_spent(self) -> bool:
        """Whether the text is within reasoning that has to end here, and does not end by itself as it seems."""
        is_open, num_tokens, tail = self._places[-1]
        if not is_open or self._max_tokens is None or num_tokens < self._max_tokens:
            return False
        return not any(tail.endswith(self._closing[:n]) for n in range(1, len(self._closing)))

    def push(self, piece: bytes) -> None:
        """Add a token: its bytes, or its name if it is a special one."""
        is_open, num_tokens, tail = self._places[-1]
        mark = self._closing if is_open else self._opening
        text = tail + piece
        _, found, behind = text.partition(mark)
        if found:
            is_open, text = not is_open, behind
        elif is_open:
            num_tokens += 1
        longest = max(len(self._opening), len(self._closing)) - 1
        self._places.append(_Place(is_open, num_tokens, text[-longest:]))

    def rewind(self, count: int) -> None:
        """Forget the last tokens."""
        if count:
            del self._places[-count:]

    def end(self) -> None:
        """Whatever the limit was: there is to be no more of it."""
        self._max_tokens = 0
