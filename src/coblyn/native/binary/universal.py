"""Several architectures in one file: where each slice begins and ends.

Format: ``<mach-o/fat.h>``. A slice is a Mach-O file or an archive of them. Does not know what a slice contains.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["FAT", "FAT64", "Slice", "UniversalBroken", "slices"]

FAT = b"\xca\xfe\xba\xbe"
FAT64 = b"\xca\xfe\xba\xbf"

# A Java class begins with the same four bytes, and has its version (45 and up) where the count is here.
_MAX_SLICES = 32


class UniversalBroken(ValueError):
    """The file is not a universal binary, or is truncated; the message says where."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One architecture's part of a universal file.

    Attributes:
        offset: Where it begins.
        size: Bytes.
    """

    offset: int
    size: int


def slices(data: memoryview) -> tuple[Slice, ...]:
    """The slices of a universal file.

    Raises:
        UniversalBroken: The count makes no sense, or a slice lies outside the file.
    """
    is_wide = bytes(data[:4]) == FAT64
    entry = struct.Struct(">iiQQII" if is_wide else ">iiIII")
    if len(data) < 8:
        raise UniversalBroken("it ends within its header")
    (count,) = struct.unpack_from(">I", data, 4)
    if not 0 < count <= _MAX_SLICES:
        raise UniversalBroken(f"its header claims {count} architectures (a Java class, perhaps)")
    if 8 + count * entry.size > len(data):
        raise UniversalBroken(f"it ends within the list of its {count} architectures")
    found = []
    for number in range(count):
        _, _, offset, size, *_ = entry.unpack_from(data, 8 + number * entry.size)
        if offset + size > len(data):
            raise UniversalBroken(
                f"its architecture {number + 1} should end at offset {offset + size}, "
                f"but the file ends at {len(data)}"
            )
        found.append(Slice(offset, size))
    return tuple(found)
