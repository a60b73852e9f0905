"""What a GBNF grammar consists of."""

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
    """One character out of some ranges of code points, each with both its ends."""

    ranges: tuple[tuple[int, int], ...]

    def overlaps(self, other: Characters) -> bool:
        """Whether some character is in both."""
        return any(
            low <= end and start <= high for low, high in self.ranges for start, end in other.ranges
        )


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """A special token: by its name with its angle brackets, or ``<[id]>`` for one with a number."""

    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What a rule says."""

    name: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node some times over; ``most`` is None where there is no end to it."""

    node: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Nodes one after the other; none of them is the empty text."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of some nodes."""

    nodes: tuple[Node, ...]


Node = Characters | SpecialToken | Reference | Repeat | Sequence | Alternatives

Grammar = Mapping[str, Node]
"""Rules by their names; the text is what ``root`` says."""
