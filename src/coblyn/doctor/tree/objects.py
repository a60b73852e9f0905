"""Detects format and processor of an object file from its first bytes.

Formats: ELF (System V gABI), Mach-O (mach-o/loader.h), COFF (Microsoft PE and COFF specification).
Thousands of objects are examined; `coblyn.native.binary` reads one completely.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["HEAD", "ObjectKind", "object_kind"]

HEAD = 64
"""Number of bytes that `object_kind` examines."""

_ELF_MACHINES = {
    3: "x86",
    62: "x86-64",
    40: "arm",
    183: "arm64",
    243: "riscv",
    21: "ppc64",
    258: "loongarch",
}
_MACH_MACHINES = {
    7: "x86",
    0x01000007: "x86-64",
    12: "arm",
    0x0100000C: "arm64",
}
_COFF_MACHINES = {0x014C: "x86", 0x8664: "x86-64", 0xAA64: "arm64"}


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """Format and processor of an object file.

    Attributes:
        format: "ELF", "Mach-O" or "COFF".
        arch: "x86-64", "arm64" and so on, in the naming of `coblyn.native.facts`.
    """

    format: str
    arch: str

    def __str__(self) -> str:
        return f"{self.format} {self.arch}"


def object_kind(head: bytes) -> ObjectKind | None:
    """The kind according to the first bytes; None for other files and for unsupported processors."""
    if len(head) < 20:
        return None
    if head[:4] == b"\x7fELF":
        order = "<" if head[5] == 1 else ">"
        kind, machine = struct.unpack_from(f"{order}HH", head, 16)
        return _kind("ELF", _ELF_MACHINES.get(machine) if kind == 1 else None)
    (magic,) = struct.unpack_from("<I", head)
    if magic in (0xFEEDFACE, 0xFEEDFACF):
        machine, _, kind = struct.unpack_from("<III", head, 4)
        return _kind("Mach-O", _MACH_MACHINES.get(machine) if kind == 1 else None)
    machine, sections = struct.unpack_from("<HH", head)
    has_optional = struct.unpack_from("<H", head, 16)[0] != 0
    if machine in _COFF_MACHINES and not has_optional and 0 < sections < 0xFF00:
        return _kind("COFF", _COFF_MACHINES[machine])
    return None


def _kind(form: str, arch: str | None) -> ObjectKind | None:
    return ObjectKind(form, arch) if arch else None
