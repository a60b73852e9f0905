"""Finds the loops over a character class that may be matched greedily.

In GBNF every character is a step of the grammar. llguidance's lexer is much faster if a run of characters is one
lexeme, but matches the longest run: ``[a-z]+ "x"`` would never end. A loop may be a lexeme if nothing that follows it,
and nothing that could be matched in its place, begins with a character that the loop also accepts. This is decided on
the occurrences of characters, as in Glushkov's construction of an automaton (1961), applied to rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from coblyn.constraints.gbnf.tree import (
    Alternatives,
    Characters,
    Grammar,
    Node,
    Reference,
    Repeat,
    Sequence,
)

__all__ = ["greedy_loops"]

_MAX_WORK = 300_000
"""Maximum number of pairs of occurrences to examine.

Beyond this nothing becomes a lexeme, which is correct but slow.
"""


@dataclass(frozen=True, slots=True)
class _Edge:
    """How a part of a grammar begins and ends."""

    is_empty: bool
    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()


_NOTHING = _Edge(is_empty=True)


@dataclass(slots=True)
class _Occurrence:
    """A character class at one place of the grammar, or a loop over it."""

    characters: Characters | None
    loop: Repeat | None = None
    follow: set[int] = field(default_factory=set)


def greedy_loops(grammar: Grammar) -> frozenset[Repeat]:
    """The loops of a grammar that may be lexemes. Equal loops are judged together."""
    loops = frozenset(_loops(grammar))
    while loops:
        positions = _Positions(grammar, loops)
        unsafe = positions.unsafe_loops()
        if not unsafe:
            return loops
        loops -= unsafe
    return loops


def _loops(grammar: Grammar) -> Iterator[Repeat]:
    waiting = list(grammar.values())
    while waiting:
        node = waiting.pop()
        if isinstance(node, Repeat):
            if isinstance(node.node, Characters):
                yield node
            waiting.append(node.node)
        elif isinstance(node, Sequence | Alternatives):
            waiting.extend(node.nodes)


class _Positions:
    """The occurrences of a grammar, and their successors."""

    def __init__(self, grammar: Grammar, loops: frozenset[Repeat]) -> None:
        self._loops = loops
        self._occurrences: list[_Occurrence] = []
        self._rules: dict[str, _Edge] = dict.fromkeys(grammar, _Edge(is_empty=False))
        self._numbers: dict[tuple[str, ...], int] = {}
        is_growing = True
        while is_growing:
            before = dict(self._rules)
            num_follows = sum(len(each.follow) for each in self._occurrences)
            for name, node in grammar.items():
                self._rules[name] = self._edge(node, (name,))
            after = sum(len(each.follow) for each in self._occurrences)
            is_growing = before != self._rules or num_follows != after

    def unsafe_loops(self) -> frozenset[Repeat]:
        """Loops that could match characters belonging to something else."""
        together = self._together()
        if together is None:
            return self._loops
        unsafe = set()
        for one, other in together:
            for number, loop in ((one, other), (other, one)):
                if self._is_robbed(number, loop):
                    unsafe.add(self._occurrences[loop].loop)
        return frozenset(loop for loop in unsafe if loop)

    def _is_robbed(self, number: int, loop: int) -> bool:
        """Whether a loop accepts a character that follows an alternative occurrence at its place."""
        robber, robbed = self._occurrences[loop], self._occurrences[number]
        if robber.loop is None or not self._overlap(number, loop):
            return False
        if number == loop and robber.loop.least == robber.loop.most:
            return False  # it ends as soon as it can
        return any(self._overlap(next_, loop) for next_ in robbed.follow)

    def _overlap(self, one: int, other: int) -> bool:
        a, b = self._occurrences[one].characters, self._occurrences[other].characters
        return a is not None and b is not None and a.overlaps(b)

    def _together(self) -> set[tuple[int, int]] | None:
        """Pairs of occurrences that may be active at the same time, including each with itself.

        None if there are too many.
        """
        root = self._rules["root"].first
        waiting = [(one, other) for one in root for other in root if one <= other]
        seen, work = set(waiting), 0
        while waiting:
            one, other = waiting.pop()
            if one != other and not self._overlap(one, other):
                continue
            follow, also = self._occurrences[one].follow, self._occurrences[other].follow
            work += len(follow) * len(also)
            if work > _MAX_WORK:
                return None
            new = {(min(a, b), max(a, b)) for a in follow for b in also} - seen
            seen |= new
            waiting.extend(new)
        return seen

    # One part of the grammar

    def _edge(self, node: Node, path: tuple[str, ...]) -> _Edge:
        if isinstance(node, Reference):
            return self._rules[node.name]
        if isinstance(node, Repeat):
            return self._repeat(node, path)
        if isinstance(node, Sequence):
            edge = _NOTHING
            for index, inner in enumerate(node.nodes):
                edge = self._joined(edge, self._edge(inner, (*path, str(index))))
            return edge
        if isinstance(node, Alternatives):
            edges = [
                self._edge(inner, (*path, str(index))) for index, inner in enumerate(node.nodes)
            ]
            return _Edge(
                any(edge.is_empty for edge in edges),
                frozenset().union(*(edge.first for edge in edges)),
                frozenset().union(*(edge.last for edge in edges)),
            )
        number = self._number(path, node if isinstance(node, Characters) else None)
        return _Edge(False, frozenset([number]), frozenset([number]))

    def _repeat(self, node: Repeat, path: tuple[str, ...]) -> _Edge:
        if node.most == 0:
            return _NOTHING
        if node in self._loops and isinstance(node.node, Characters):
            number = self._number(path, node.node, node)
            return _Edge(node.least == 0, frozenset([number]), frozenset([number]))
        edge = self._edge(node.node, (*path, "loop"))
        if node.most != 1:
            self._joined(edge, edge)
        return _Edge(edge.is_empty or node.least == 0, edge.first, edge.last)

    def _joined(self, left: _Edge, right: _Edge) -> _Edge:
        for number in left.last:
            self._occurrences[number].follow |= right.first
        return _Edge(
            left.is_empty and right.is_empty,
            left.first | right.first if left.is_empty else left.first,
            left.last | right.last if right.is_empty else right.last,
        )

    def _number(
        self, path: tuple[str, ...], characters: Characters | None, loop: Repeat | None = None
    ) -> int:
        if path not in self._numbers:
            self._numbers[path] = len(self._occurrences)
            self._occurrences.append(_Occurrence(characters, loop))
        return self._numbers[path]
