"""Compilers known to miscompile the code of an instruction set, so that a plan can leave that set out beforehand.

Lists only documented faults. If a version is missing here, the proof finds it minutes later; a version too many costs
speed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["KNOWN_BAD", "KnownBad", "compiler_version", "known_bad"]


@dataclass(frozen=True, slots=True)
class KnownBad:
    """A compiler's fault.

    Attributes:
        family: Compiler family, as in `Toolchain.family`.
        versions: Pairs of the first version with the fault, and the first later version without it.
        group: The sets that are left out, as `SetGroup.name`.
        reason: What goes wrong, as the end of a sentence.
        source: Where that is documented.
    """

    family: str
    versions: tuple[tuple[str, str], ...]
    group: str
    reason: str
    source: str

    def has(self, family: str, version: str) -> bool:
        """Whether that compiler has the fault."""
        number = _numbers(version)
        return family == self.family and any(
            _numbers(first) <= number < _numbers(mended) for first, mended in self.versions
        )


KNOWN_BAD = (
    # _tile_loadconfig is inline assembly there, with 8 of its 64 bytes as its operand: in the header of 12.2.0, and in
    # that of 13.2.0, which github.com/ggml-org/llama.cpp/issues/9473 compares with 13.2.1. Snapshots of 13.2.1 may have
    # the builtin function that took its place, as 11.5, 12.4, 13.3 and 14.1 have.
    KnownBad(
        "gcc",
        (("11", "11.5"), ("12", "12.4"), ("13", "13.3")),
        "amx",
        "drops the stores that fill ggml's tile configuration",
        "https://gcc.gnu.org/bugzilla/show_bug.cgi?id=114098",
    ),
)
"""All known faults. Coblyn's own kernels work around them."""


def known_bad(family: str, version: str) -> tuple[KnownBad, ...]:
    """The faults of a compiler.

    Args:
        family: Compiler family, as in `Toolchain.family`.
        version: Dotted, such as "12.2.0"; nothing is known of an empty one.
    """
    return tuple(fault for fault in KNOWN_BAD if version and fault.has(family, version))


def compiler_version(line: str) -> str:
    """The version in the first line of a compiler's version output; empty if there is none.

    Distributions put their own names and numbers in brackets before it: "g++ (Debian 12.2.0-14) 12.2.0".
    """
    outside = re.sub(r"\([^)]*\)", " ", line)
    found = re.search(r"(?<![\w.-])\d+(?:\.\d+)+", outside)
    return found.group() if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
