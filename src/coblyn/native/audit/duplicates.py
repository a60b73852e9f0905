"""Symbols with strong definitions in more than one object, whose link would fail."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coblyn.native.binary.binary import Binary

__all__ = ["Clash", "clashes"]


@dataclass(frozen=True, slots=True)
class Clash:
    """Objects that define the same symbols.

    Attributes:
        objects: Two or more objects, in their original order.
        symbols: Symbols that all of them define, sorted.
    """

    objects: tuple[Binary, ...]
    symbols: tuple[str, ...]


# If the objects belong to several programs, each program has one of these.
_ENTRY_POINTS = frozenset({"main", "_main", "WinMain", "wmain", "wWinMain", "DllMain"})


def clashes(binaries: Iterable[Binary], *, is_one_link: bool = False) -> tuple[Clash, ...]:
    """Groups of objects that cannot be linked together, those with the most symbols first.

    Archive members do not count: a linker takes only those that it needs.

    Args:
        binaries: Any binaries; only objects are examined, and only those for the same machine are compared.
        is_one_link: Whether all objects are known to be in one link; otherwise, each may contain an entry point.
    """
    owners: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    objects = [each for each in binaries if each.kind is Kind.OBJECT and not each.member]
    for number, each in enumerate(objects):
        for name in each.strong if is_one_link else each.strong - _ENTRY_POINTS:
            owners[each.format, each.arch, name].append(number)
    groups: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for (_, _, name), numbers in owners.items():
        if len(numbers) > 1:
            groups[tuple(numbers)].append(name)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(_clash(objects, numbers, names) for numbers, names in ordered)


def _clash(objects: Sequence[Binary], numbers: tuple[int, ...], names: list[str]) -> Clash:
    return Clash(tuple(objects[number] for number in numbers), tuple(sorted(names)))
