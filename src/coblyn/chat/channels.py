"""What a model writes, told apart as it comes: reasoning and answer.

A mark may come in pieces: the end of a text that may be the beginning of one is held back until it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from coblyn.chat.reasoning import Reasoning

__all__ = ["Channel", "Part", "Splitter"]

Channel = Literal["reasoning", "content"]


@dataclass(frozen=True, slots=True)
class Part:
    """Text of one channel."""

    channel: Channel
    text: str


class Splitter:
    """Tells the channels of one generation apart.

    Marks are left out, and the whitespace around reasoning. What ends without its closing mark is reasoning to the end.

    Args:
        marks: How the model marks its reasoning.
        is_open: Whether the prompt ended within reasoning.
    """

    def __init__(self, marks: Reasoning, *, is_open: bool = False) -> None:
        self._marks = marks
        self._channel: Channel = "reasoning" if is_open and marks else "content"
        self._held = ""
        # Where the prompt opened reasoning, a model may open it once more; where it did not, close it at once.
        self._stray = (marks.opening if is_open else marks.closing) if marks else ""
        self._is_fresh = is_open
        self._parts: list[Part] = []

    @property
    def channel(self) -> Channel:
        """Where the text is now."""
        return self._channel

    def push(self, text: str) -> list[Part]:
        """Add text and take what is known."""
        self._held += text
        if self._is_settled():
            while self._cross():
                pass
            self._say(len(self._held) - self._num_undecided())
        return self._take()

    def flush(self) -> list[Part]:
        """Take the rest: no more text will come."""
        if self._channel == "reasoning":
            self._held = self._held.rstrip()
        self._say(len(self._held))
        return self._take()

    def _is_settled(self) -> bool:
        """Whether it is known that the text does not begin with a stray mark, or the mark is gone."""
        if not self._stray:
            return True
        begun = self._held.lstrip()
        if len(begun) < len(self._stray) and self._stray.startswith(begun):
            return False
        if begun.startswith(self._stray):
            self._held = begun[len(self._stray) :]
            self._is_fresh = True
        self._stray = ""
        return True

    def _cross(self) -> bool:
        """Go over to the other channel, if the mark for it is there."""
        if not self._marks:
            return False
        mark = self._mark
        before, found, after = self._held.partition(mark)
        if not found:
            return False
        self._held = before.rstrip()
        self._say(len(self._held))
        self._held = after
        self._channel = "content" if self._channel == "reasoning" else "reasoning"
        self._is_fresh = True
        return True

    @property
    def _mark(self) -> str:
        """The mark that ends the channel in which the text is."""
        return self._marks.closing if self._channel == "reasoning" else self._marks.opening

    def _num_undecided(self) -> int:
        """Characters at the end that may be the beginning of a mark, with the whitespace before it."""
        if not self._marks:
            return 0
        mark, held = self._mark, self._held
        longest = min(len(mark) - 1, len(held))
        begun = next((n for n in range(longest, 0, -1) if held.endswith(mark[:n])), 0)
        if not begun and self._channel == "content":
            return 0
        return len(held) - len(held[: len(held) - begun].rstrip())

    def _say(self, length: int) -> None:
        text, self._held = self._held[:length], self._held[length:]
        if self._is_fresh:
            text = text.lstrip()
        if text:
            self._is_fresh = False
            self._parts.append(Part(self._channel, text))

    def _take(self) -> list[Part]:
        parts, self._parts = self._parts, []
        return parts
