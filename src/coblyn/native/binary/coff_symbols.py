"""The symbol table of a COFF object, and names in its string table.

LLVM lets a name be the end of a longer one in the string table; lief 1.0 looks for whole strings and leaves such names
empty, so they are read here. Format: "COFF Symbol Table" in Microsoft's PE specification.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.binary.text import MAX_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WEAK", "RawSymbol", "SymbolTable"]

WEAK = 105
"""Storage class of a weak name (IMAGE_SYM_CLASS_WEAK_EXTERNAL)."""

_BIG = b"\0\0\xff\xff"


@dataclass(frozen=True, slots=True)
class RawSymbol:
    """One symbol.

    Attributes:
        name: Its name.
        value: Offset, or the size of a tentative definition.
        section: Number of its section from 1; 0 if undefined, negative for absolute values and debugging. For a weak
            name, the section of its default definition.
        storage: Its storage class.
    """

    name: str
    value: int
    section: int
    storage: int


class SymbolTable:
    """Symbols and names of an object whose header has been checked.

    Args:
        data: The object, from its first byte.
    """

    def __init__(self, data: memoryview) -> None:
        if bytes(data[:4]) == _BIG:
            self._start, self._count = struct.unpack_from("<II", data, 48)
            self._entry = struct.Struct("<8sIiHBB")
        else:
            self._start, self._count = struct.unpack_from("<II", data, 8)
            self._entry = struct.Struct("<8sIhHBB")
        self._data = data
        self._names = bytes(data[self._start + self._count * self._entry.size :])

    def __iter__(self) -> Iterator[RawSymbol]:
        """The symbols, without their auxiliary records."""
        number = 0
        while number < self._count:
            place = self._start + number * self._entry.size
            name, value, section, _, storage, more = self._entry.unpack_from(self._data, place)
            if storage == WEAK and more:
                section = self._default(place + self._entry.size)
            yield RawSymbol(self._name(name), value, section, storage)
            number += 1 + more

    def _default(self, auxiliary: int) -> int:
        """The section of the symbol that replaces a weak one; its number is in the auxiliary record."""
        if auxiliary + self._entry.size > len(self._data):
            return 0
        (number,) = struct.unpack_from("<I", self._data, auxiliary)
        if number >= self._count:
            return 0
        place = self._start + number * self._entry.size
        return int(self._entry.unpack_from(self._data, place)[2])

    def section_name(self, name: str) -> str:
        """Full name of a section; a name of more than eight characters is "/" and an offset into the string table."""
        if name.startswith("/") and name[1:].isdecimal():
            return self._string(int(name[1:])) or name
        return name

    def _name(self, raw: bytes) -> str:
        if raw[:4] == b"\0\0\0\0":
            return self._string(struct.unpack_from("<I", raw, 4)[0])
        return raw.rstrip(b"\0").decode("utf-8", "replace")

    def _string(self, offset: int) -> str:
        end = self._names.find(b"\0", offset, offset + MAX_LENGTH)
        text = self._names[offset : end if end >= 0 else offset + MAX_LENGTH]
        return text.decode("utf-8", "replace")
