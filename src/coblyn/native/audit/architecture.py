"""Incompatible architectures, among files or with this machine."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Format, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from coblyn.native.audit.host import Host
    from coblyn.native.binary.binary import Binary

__all__ = ["Odd", "mixed_objects", "not_for"]

# These run or link together with the other one: Apple's pointer-signing variant, and Windows' mixture.
_SAME = {"arm64e": "arm64", "arm64ec": "arm64"}


@dataclass(frozen=True, slots=True)
class Odd:
    """A binary whose architecture is not the expected one.

    Attributes:
        binary: The binary.
        expected: The architecture of the others, or of the machine.
    """

    binary: Binary
    expected: str

    @property
    def text(self) -> str:
        """The finding, as a phrase that follows the binary's name."""
        return f"is for {self.binary.arch}, not {self.expected}"


def mixed_objects(binaries: Iterable[Binary]) -> tuple[Odd, ...]:
    """Objects for a different machine than most of their format; a universal object counts once per slice.

    Args:
        binaries: Any binaries; only objects are examined.
    """
    groups: defaultdict[Format, dict[Path, set[str]]] = defaultdict(dict)
    firsts: dict[Path, Binary] = {}
    for each in binaries:
        if each.kind is Kind.OBJECT:
            groups[each.format].setdefault(each.path, set()).add(_arch(each))
            firsts.setdefault(each.path, each)
    odd = []
    for files in groups.values():
        counts = Counter(arch for arches in files.values() for arch in arches)
        expected = counts.most_common(1)[0][0]
        odd += [
            Odd(firsts[path], expected) for path, arches in files.items() if expected not in arches
        ]
    return tuple(odd)


def not_for(host: Host, binaries: Iterable[Binary]) -> tuple[Odd, ...]:
    """Libraries and programs for this machine's system but for another processor.

    Args:
        host: The machine.
        binaries: Any binaries; only linked ones are examined.
    """
    here: dict[Path, list[Binary]] = {}
    for each in binaries:
        if each.is_linked and each.platform == host.os:
            here.setdefault(each.path, []).append(each)
    return tuple(
        Odd(slices[0], host.arch)
        for slices in here.values()
        if host.arch and all(_arch(each) != host.arch for each in slices)
    )


def _arch(binary: Binary) -> str:
    return _SAME.get(binary.arch, binary.arch)
