"""Banned regular expressions, found in a growing text in linear time.

Thompson's construction (Communications of the ACM 11, 1968), which also tracks where each possible match began. Per
state only the earliest one is kept, so there are never more of them than states.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from coblyn.engine.pattern_reader import Alternatives, Edge, Node, Repeat, Row, Set, read_pattern
from coblyn.engine.phrases import NO_MATCH, Step
from coblyn.errors import BadRequest

__all__ = ["MAX_LENGTH", "Patterns", "State", "patterns_of"]

MAX_LENGTH = 500
"""Maximum length of a match in characters: this much text may have to be held back."""

MAX_STATES = 2000
"""Maximum number of states of a request's patterns: each character may visit all of them."""


class State(NamedTuple):
    """The state between two characters.

    Attributes:
        threads: Possible matches: a state, and the number of characters so far.
        was_word: Whether the last character is a word character.
    """

    threads: tuple[tuple[int, int], ...] = ()
    was_word: bool = False


class _Reach(NamedTuple):
    """What a state reaches without a character: states that take one, and whether a match ends."""

    takers: tuple[int, ...]
    is_end: bool


class Patterns:
    """A set of patterns, matched without regard to case.

    Args:
        texts: Regular expressions.

    Raises:
        BadRequest: One is invalid or matches the empty text, or they are too large together.
    """

    start = State()

    def __init__(self, texts: Sequence[str]) -> None:
        self._sets: list[Set | None] = []
        self._follow: list[list[int]] = []
        self._edges: set[int] = set()
        self._end = self._new()
        self._reach: dict[tuple[int, bool], _Reach] = {}
        self._starts = []
        for text in texts:
            begin = self._build(read_pattern(text), self._end)
            if self._reached(begin, is_edge=True).is_end:
                raise BadRequest(
                    f"The pattern {text!r} matches an empty text.",
                    field="banned_patterns",
                )
            self._starts.append(begin)

    def step(self, state: State, character: str) -> Step[State]:
        """Advance by one character of the text."""
        is_word = character.isalnum() or character == "_"
        is_edge = is_word != state.was_word
        after: dict[int, int] = {}
        match = NO_MATCH
        for place, length in (*state.threads, *((begin, 0) for begin in self._starts)):
            reach = self._reached(place, is_edge=is_edge)
            if reach.is_end:  # the pattern needs a word boundary before this character
                match = max(match, length + 1)
            for taker in reach.takers:
                taken = self._sets[taker]
                if taken and taken.holds(character):
                    for following in self._follow[taker]:
                        after[following] = max(after.get(following, 0), length + 1)
        for place, length in after.items():
            if self._reached(place, is_edge=False).is_end:
                match = max(match, length)
        threads = tuple(each for each in after.items() if each[1] < MAX_LENGTH)
        return Step(State(threads, is_word), match)

    def pending(self, state: State) -> int:
        """Number of characters at the end of the text that may begin a match."""
        return max((length for _, length in state.threads), default=0)

    def _reached(self, place: int, *, is_edge: bool) -> _Reach:
        key = place, is_edge
        if key not in self._reach:
            self._reach[key] = self._look(place, is_edge)
        return self._reach[key]

    def _look(self, place: int, is_edge: bool) -> _Reach:
        seen, waiting = {place}, [place]
        while waiting:
            each = waiting.pop()
            if self._sets[each] is not None or (each in self._edges and not is_edge):
                continue
            waiting += [other for other in self._follow[each] if other not in seen]
            seen.update(self._follow[each])
        takers = tuple(sorted(each for each in seen if self._sets[each] is not None))
        return _Reach(takers, self._end in seen)

    def _new(self, taken: Set | None = None, *follow: int) -> int:
        if len(self._sets) >= MAX_STATES:
            raise BadRequest("The patterns are too large together.", field="banned_patterns")
        self._sets.append(taken)
        self._follow.append(list(follow))
        return len(self._sets) - 1

    def _build(self, node: Node, follow: int) -> int:
        """Build the states of a node that lead to ``follow``, and give the first."""
        if isinstance(node, Set):
            return self._new(node, follow)
        if isinstance(node, Edge):
            self._edges.add(edge := self._new(None, follow))
            return edge
        if isinstance(node, Alternatives):
            return self._new(None, *(self._build(part, follow) for part in node.parts))
        if isinstance(node, Row):
            for part in reversed(node.parts):
                follow = self._build(part, follow)
            return follow
        return self._build_repeat(node, follow)

    def _build_repeat(self, node: Repeat, follow: int) -> int:
        if node.most is None:
            loop = self._new(None, follow)
            self._follow[loop].append(self._build(node.part, loop))
            follow = loop
        else:
            end = follow
            for _ in range(node.most - node.least):
                follow = self._new(None, self._build(node.part, follow), end)
        for _ in range(node.least):
            follow = self._build(node.part, follow)
        return follow


@lru_cache(maxsize=16)
def patterns_of(texts: tuple[str, ...]) -> Patterns:
    """Patterns, cached because clients send the same ones with every request."""
    return Patterns(texts)
