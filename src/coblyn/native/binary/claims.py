"""Checks that everything a file's header refers to is inside the file; refuses truncated, damaged and hostile files.

Code that reads the whole file later may then trust counts and offsets. Formats: ``<elf.h>``, ``<mach-o/loader.h>``,
Microsoft's PE specification.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["ClaimBroken", "check_coff", "check_elf", "check_macho", "check_pe"]

_MAX_SYMBOLS = 4_000_000
_MAX_SECTIONS = 200_000
_MAX_COMMANDS = 20_000

_SHT_NOBITS = 8
_SHT_SYMTAB = 2
_SHT_DYNSYM = 11
_LC_SYMTAB = 2
_LC_SEGMENT = 1
_LC_SEGMENT_64 = 0x19


class ClaimBroken(ValueError):
    """A header refers to something outside the file; the message says what and where."""


@dataclass(frozen=True, slots=True)
class _File:
    """Bytes, with accessors that end in a clear error."""

    data: memoryview

    def read(self, form: str, offset: int, what: str) -> tuple[int, ...]:
        self.holds(offset, struct.calcsize(form), what)
        return struct.unpack_from(form, self.data, offset)

    def holds(self, offset: int, size: int, what: str) -> None:
        if offset + size > len(self.data):
            raise ClaimBroken(
                f"{what} should end at offset {offset + size}, but the file ends at {len(self.data)}"
            )


def check_elf(data: memoryview) -> None:
    """Check an ELF file's headers, sections and segments.

    Raises:
        ClaimBroken: Something lies outside the file.
    """
    file = _File(data)
    kind, order = file.read("BB", 4, "its ELF header")
    if kind not in (1, 2) or order not in (1, 2):
        raise ClaimBroken(f"its ELF header has class {kind} and byte order {order}")
    end = "<" if order == 1 else ">"
    is_wide = kind == 2
    fields = file.read(f"{end}16xHHI{'QQQ' if is_wide else 'III'}I6H", 0, "its ELF header")
    programs, sections = fields[4], fields[5]
    _, program_size, program_count, section_size, section_count, _ = fields[7:]
    file.holds(programs, program_size * program_count, "its list of segments")
    if not sections:
        return
    form = f"{end}II{'QQQQIIQQ' if is_wide else 'IIIIIIII'}"
    if section_count == 0:  # more than 65,279: the number is in the first entry
        section_count = file.read(form, sections, "its list of sections")[5]
    if section_count > _MAX_SECTIONS:
        raise ClaimBroken(f"its header claims {section_count} sections")
    if section_size != struct.calcsize(form):
        raise ClaimBroken(f"its header claims sections of {section_size} bytes")
    file.holds(sections, section_size * section_count, "its list of sections")
    for number in range(section_count):
        entry = file.read(form, sections + number * section_size, "its list of sections")
        _check_elf_section(file, number, entry)


def _check_elf_section(file: _File, number: int, entry: tuple[int, ...]) -> None:
    kind, offset, size, width = entry[1], entry[4], entry[5], entry[9]
    if number and kind not in (0, _SHT_NOBITS):
        file.holds(offset, size, f"its section {number}")
    if kind in (_SHT_SYMTAB, _SHT_DYNSYM) and width:
        _check_symbols(size // width)


def check_macho(data: memoryview) -> None:
    """Check a thin Mach-O file's load commands, segments and symbols.

    Raises:
        ClaimBroken: Something lies outside the file.
    """
    file = _File(data)
    magic = bytes(data[:4])
    end = "<" if magic[1:] == b"\xfa\xed\xfe" else ">"
    is_wide = magic in (b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf")
    *_, count, size, _ = file.read(f"{end}4xIIIIII", 0, "its Mach-O header")
    offset = 32 if is_wide else 28
    file.holds(offset, size, "its list of load commands")
    if count > _MAX_COMMANDS:
        raise ClaimBroken(f"its header claims {count} load commands")
    for number in range(count):
        command, length = file.read(f"{end}II", offset, f"its load command {number + 1}")
        if length < 8:
            raise ClaimBroken(f"its load command {number + 1} at offset {offset} has size {length}")
        if command in (_LC_SEGMENT, _LC_SEGMENT_64):
            form = f"{end}QQ" if command == _LC_SEGMENT_64 else f"{end}II"
            at = offset + (40 if command == _LC_SEGMENT_64 else 32)
            start, bytes_in_file = file.read(form, at, "a segment")
            file.holds(start, bytes_in_file, f"its segment of load command {number + 1}")
        elif command == _LC_SYMTAB:
            at, symbols, names, names_size = file.read(f"{end}IIII", offset + 8, "its symbol table")
            _check_symbols(symbols)
            file.holds(at, symbols * (16 if is_wide else 12), "its symbol table")
            file.holds(names, names_size, "its symbols' names")
        offset += length


def check_coff(data: memoryview) -> None:
    """Check a COFF object's sections and symbols; also accepts a ``/bigobj`` object.

    Raises:
        ClaimBroken: Something lies outside the file.
    """
    file = _File(data)
    if bytes(data[:4]) == b"\0\0\xff\xff":
        count, symbols, number = file.read("<III", 44, "its COFF header")
        sections, width = 56, 20
    else:
        _, count, _, symbols, number, optional, _ = file.read("<HHIIIHH", 0, "its COFF header")
        sections, width = 20 + optional, 18
    if count > _MAX_SECTIONS:
        raise ClaimBroken(f"its header claims {count} sections")
    _check_symbols(number)
    file.holds(symbols, number * width, "its symbol table")
    _check_raw_sections(file, sections, count)


def check_pe(data: memoryview) -> None:
    """Check a PE file's headers and sections.

    Raises:
        ClaimBroken: Something lies outside the file.
    """
    file = _File(data)
    (start,) = file.read("<I", 0x3C, "its DOS header")
    file.holds(start, 24, "its PE header")
    if bytes(data[start : start + 4]) != b"PE\0\0":
        raise ClaimBroken(f"there is no PE header at offset {start}: it is a program for DOS")
    count, optional = file.read("<H12xH", start + 6, "its PE header")
    _check_raw_sections(file, start + 24 + optional, count)


def _check_raw_sections(file: _File, offset: int, count: int) -> None:
    file.holds(offset, 40 * count, "its list of sections")
    for number in range(count):
        at = offset + 40 * number
        size, start = file.read("<II", at + 16, "a section")
        (flags,) = file.read("<I", at + 36, "a section")
        # Uninitialized data has a size but no bytes.
        if start and not flags & 0x80:
            file.holds(start, size, f"its section {number + 1}")


def _check_symbols(count: int) -> None:
    if count > _MAX_SYMBOLS:
        raise ClaimBroken(f"its header claims {count} symbols")
