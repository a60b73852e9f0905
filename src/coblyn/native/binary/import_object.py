"""Members of Microsoft's import libraries: a header, the name of a function, and the DLL that exports it.

Format: "Import Library Format" in Microsoft's PE specification.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Binary, Binding, Format, Kind, Symbol

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_import_object", "read_import_object"]

_HEADER = struct.Struct("<HHHHIIHH")
_MACHINES = {0x14C: "x86", 0x8664: "x86-64", 0x1C4: "arm", 0xAA64: "arm64", 0xA641: "arm64ec"}


def is_import_object(data: memoryview) -> bool:
    """Whether bytes begin like a short import (and not like an object of ``/bigobj`` or ``/GL``)."""
    return len(data) >= _HEADER.size and bytes(data[:6]) == b"\0\0\xff\xff\0\0"


def read_import_object(data: memoryview, path: Path, member: str) -> Binary:
    """Read a short import.

    Raises:
        ValueError: Its names are missing.
    """
    _, _, _, machine, _, size, _, _ = _HEADER.unpack_from(data)
    names = bytes(data[_HEADER.size : _HEADER.size + size]).split(b"\0")
    if len(names) < 3:
        raise ValueError("it is an import without the names of function and library")
    symbol, library = (name.decode("utf-8", "replace") for name in names[:2])
    return Binary(
        path=path,
        format=Format.COFF,
        kind=Kind.IMPORT,
        arch=_MACHINES.get(machine, f"machine {machine:#x}"),
        platform="windows",
        member=member,
        name=library,
        symbols=(Symbol(symbol, Binding.WEAK, is_defined=True),),
    )
