"""The first bytes of object files."""

from __future__ import annotations

import struct

import pytest

from coblyn.doctor.tree.objects import object_kind
from doctor.tree.trees import elf, macho


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (elf(62), "ELF x86-64"),
        (elf(183), "ELF arm64"),
        (macho(0x0100000C), "Mach-O arm64"),
        (macho(0x01000007), "Mach-O x86-64"),
        (struct.pack("<HHIIIHH", 0x8664, 3, 0, 0, 0, 0, 0) + bytes(20), "COFF x86-64"),
    ],
)
def test_kinds(head: bytes, wanted: str) -> None:
    assert str(object_kind(head)) == wanted


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x7fELF",
        b"\x7fELF" + b"\xff" * 60,
        macho(0x0100000C, kind=6),
        b"BC\xc0\xde" + bytes(60),
        b"text " * 20,
    ],
)
def test_everything_else_is_unknown(head: bytes) -> None:
    assert object_kind(head) is None
