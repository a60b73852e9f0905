"""Banned phrases, found in a growing text in linear time, however many there are.

Aho and Corasick's automaton (Communications of the ACM 18, 1975) over characters without case. After each character it
is known how much of the text may begin a phrase, so that this part can be held back.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

__all__ = ["NO_MATCH", "START", "Phrases", "Step", "phrases_of"]

START = 0
"""The state before the first character."""

NO_MATCH = 0
"""The length of a match if there is none."""


S = TypeVar("S")


class Step(NamedTuple, Generic[S]):
    """The result of a character.

    Attributes:
        state: The automaton's new state.
        match: Length of the longest phrase that ends here; 0 if none does.
    """

    state: S
    match: int


class Phrases:
    """A set of phrases, matched without regard to case.

    Args:
        texts: The phrases; empty ones are ignored.
    """

    start = START

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._depth = [0]
        self._match = [NO_MATCH]
        for text in texts:
            if text:
                self._add(text)
        self._fail = self._failures()

    def step(self, state: int, character: str) -> Step[int]:
        """Advance by one character of the text."""
        folded = _folded(character)
        while state and folded not in self._next[state]:
            state = self._fail[state]
        state = self._next[state].get(folded, START)
        return Step(state, self._match[state])

    def pending(self, state: int) -> int:
        """Number of characters at the end of the text that may begin a phrase."""
        return self._depth[state]

    def _add(self, text: str) -> None:
        state = START
        for character in text:
            folded = _folded(character)
            if folded not in self._next[state]:
                self._next[state][folded] = len(self._next)
                self._next.append({})
                self._depth.append(self._depth[state] + 1)
                self._match.append(NO_MATCH)
            state = self._next[state][folded]
        self._match[state] = self._depth[state]

    def _failures(self) -> list[int]:
        """For each state, the state of the longest proper suffix of its text that also begins a phrase."""
        failures = [START] * len(self._next)
        waiting = deque(self._next[START].values())
        while waiting:
            state = waiting.popleft()
            for folded, after in self._next[state].items():
                waiting.append(after)
                other = failures[state]
                while other and folded not in self._next[other]:
                    other = failures[other]
                failures[after] = self._next[other].get(folded, START)
            # Breadth first, so that the state of the shorter suffix is complete.
            self._match[state] = self._match[state] or self._match[failures[state]]
        return failures


@lru_cache(maxsize=16)
def phrases_of(texts: tuple[str, ...]) -> Phrases:
    """The automaton of phrases, cached because clients send the same ones with every request."""
    return Phrases(texts)


def _folded(character: str) -> str:
    """A case-folded character as one key; a few fold to two characters, which stay together."""
    return character.casefold()
