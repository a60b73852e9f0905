"""Uncertain text.

Two characters of Unicode's private use area mark text while a makefile is read. `UNKNOWN` replaces what only
a program could tell (``$(shell …)``). `MAYBE` starts a word that is present only if some branch is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MAYBE", "UNKNOWN", "Budget", "TooMuch", "certain", "each_word", "is_certain", "maybe"]

MAYBE = "\ue000"
UNKNOWN = "\ue001"


class TooMuch(Exception):
    """A makefile produces more text than any real one does."""


class Budget:
    """The remaining work that a read may do."""

    def __init__(self, letters: int = 30_000_000, steps: int = 600_000) -> None:
        self.letters, self.steps = letters, steps

    def spend(self, letters: int) -> None:
        """Deduct a step and the characters that it produced.

        Raises:
            TooMuch: The budget is spent.
        """
        self.letters -= letters
        self.steps -= 1
        if self.is_spent:
            raise TooMuch

    @property
    def is_spent(self) -> bool:
        """Whether the budget is spent, so that the read is incomplete."""
        return self.letters < 0 or self.steps < 0


def is_certain(text: str) -> bool:
    """Whether nothing in a text depends on unknown values."""
    return MAYBE not in text and UNKNOWN not in text


def maybe(text: str) -> str:
    """The words of a text, each of them uncertain."""
    return " ".join(word if word[0] == MAYBE else MAYBE + word for word in text.split())


def certain(word: str) -> str:
    """A word without its mark."""
    return word.replace(MAYBE, "")


def each_word(words: Iterable[str], change: Callable[[str], str]) -> str:
    """Change every word and keep the marks; drop words that become empty."""
    done = []
    for word in words:
        if word[0] == MAYBE:
            new = change(word[1:])
            done += [MAYBE + new] if new else []
        elif new := change(word):
            done.append(new)
    return " ".join(done)
