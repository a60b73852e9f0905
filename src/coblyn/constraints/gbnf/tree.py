"""The syntax tree of a GBNF grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "MAX_CODE",
    "Alternatives",
    "Characters",
    "Grammar",
    "Node",
    "Reference",
    "Repeat",
    "Sequence",
    "SpecialToken",
]

MAX_CODE = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Characters:
    """One character in one of several ranges of code points, ends included."""

    ranges: tuple[tuple[int, int], ...]

    def overlaps(self, other: Characters) -> bool:
        """Whether any character is in both."""
        return any(
            low <= end and start <= high for low, high in self.ranges for start, end in other.ranges
        )


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """A special token, or any token but this one.

    Attributes:
        name: Its name with angle brackets, or ``<[id]>`` for an id.
        is_excluded: Whether it is the one that may not come.
    """

    name: str
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a rule."""

    name: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repeated node; ``most`` is None for no maximum."""

    node: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Consecutive nodes; none of them is the empty text."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several nodes."""

    nodes: tuple[Node, ...]


Node = Characters | SpecialToken | Reference | Repeat | Sequence | Alternatives

Grammar = Mapping[str, Node]
"""Rules by name; ``root`` is the start rule."""
