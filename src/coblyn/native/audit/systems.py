"""Binaries that need a newer system than this one, and objects that are newer than the binary they are linked into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Format, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coblyn.native.audit.host import Host
    from coblyn.native.binary.binary import Binary

__all__ = ["TooNew", "objects_too_new", "too_new_for"]


@dataclass(frozen=True, slots=True)
class TooNew:
    """A binary that needs a newer system.

    Attributes:
        binary: The binary.
        wants: The system it needs, such as "macOS 14.0" or "glibc 2.38".
        has: The system that is present.
    """

    binary: Binary
    wants: str
    has: str

    @property
    def text(self) -> str:
        """The finding, as a phrase that follows the binary's name."""
        return f"asks for {self.wants}, and there is {self.has}"

    @property
    def is_fatal(self) -> bool:
        """Whether it cannot be loaded: glibc refuses it; Apple's loader tries, and fails if something is missing."""
        return self.binary.is_linked and self.binary.format is Format.ELF


def too_new_for(host: Host, binaries: Iterable[Binary]) -> tuple[TooNew, ...]:
    """Binaries that need a newer macOS or glibc than this machine has.

    Args:
        host: The machine.
        binaries: Any binaries; only those linked for this machine's system are examined.
    """
    found = []
    for each in binaries:
        if not each.is_linked or each.platform != host.os:
            continue
        if each.format is Format.MACHO and _is_newer(each.min_os, host.version):
            found.append(TooNew(each, f"macOS {each.min_os}", f"macOS {host.version}"))
        elif each.format is Format.ELF and _is_newer(each.min_os, host.glibc):
            found.append(TooNew(each, each.min_os, f"glibc {host.glibc}"))
    return tuple(found)


def objects_too_new(binaries: Sequence[Binary]) -> tuple[TooNew, ...]:
    """Mach-O objects made for a newer macOS than the others: the linker warns, and older systems lack what they call.

    Args:
        binaries: Any binaries; only objects are examined.
    """
    objects = [
        each
        for each in binaries
        if each.format is Format.MACHO and each.kind is Kind.OBJECT and each.min_os
    ]
    least: dict[tuple[str, str], str] = {}
    for each in objects:
        key = (each.platform, each.arch)
        if key not in least or _is_newer(least[key], each.min_os):
            least[key] = each.min_os
    return tuple(
        TooNew(
            each,
            f"{each.platform} {each.min_os}",
            f"{each.platform} {least[each.platform, each.arch]}",
        )
        for each in objects
        if _is_newer(each.min_os, least[each.platform, each.arch])
    )


def _is_newer(version: str, other: str) -> bool:
    return bool(version and other) and _numbers(version) > _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    parts = [int(part) for part in re.findall(r"\d{1,6}", version)]
    return tuple([*parts, 0, 0, 0][:3])
