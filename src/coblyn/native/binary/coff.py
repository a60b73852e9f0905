"""COFF objects, through lief."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Binary, Binding, Format, Kind, Section, Symbol
from coblyn.native.binary.coff_symbols import WEAK, SymbolTable
from coblyn.native.binary.instructions import look_at_code
from coblyn.native.binary.text import name_of, word
from coblyn.native.binary.words import words_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coblyn.native.binary.coff_symbols import RawSymbol

__all__ = ["ARCHES", "read_coff"]

ARCHES = {
    "AMD64": "x86-64",
    "ARM64": "arm64",
    "ARM64EC": "arm64ec",
    "I386": "x86",
    "ARMNT": "arm",
    "THUMB": "arm",
}

_CODE = 0x20
_COMDAT = 0x1000
_EXTERNAL, _STATIC = 2, 3


def read_coff(
    data: memoryview, source: Path | bytes, path: Path, member: str, *, with_code: bool
) -> Binary | None:
    """Read a COFF object whose header has been checked; None if lief cannot read it.

    Args:
        data: The object's bytes.
        source: The file, or the same bytes.
        path: The file that it is, or that contains it.
        member: Name in the archive.
        with_code: Whether to examine instructions, too.
    """
    import lief

    coff = lief.COFF.parse(source)
    if coff is None:
        return None
    machine = word(coff.header.machine)
    arch = ARCHES.get(machine, machine.lower())
    sections = list(coff.sections)
    table = SymbolTable(data)
    names = [table.section_name(name_of(each)) for each in sections]
    code = [each.content for each in sections if each.characteristics & _CODE]
    comdat = {number for number, each in enumerate(sections, 1) if each.characteristics & _COMDAT}
    constant = [
        each.content
        for each, name in zip(sections, names, strict=True)
        if name.startswith(".rdata")
    ]
    return Binary(
        path=path,
        format=Format.COFF,
        kind=Kind.OBJECT,
        arch=arch,
        platform="windows",
        member=member,
        symbols=tuple(_symbols(table, comdat)),
        sections=tuple(
            Section(name, each.sizeof_raw_data) for each, name in zip(sections, names, strict=True)
        ),
        words=words_in(constant),
        code=look_at_code(arch, code) if with_code else None,
    )


def _symbols(table: SymbolTable, comdat: set[int]) -> Iterator[Symbol]:
    for raw in table:
        if not raw.name:
            continue
        if raw.storage == WEAK:
            # Defined elsewhere under a helper's name (".weak.f.default.g"), or undefined.
            yield Symbol(raw.name, Binding.WEAK, is_defined=raw.section > 0)
        elif raw.storage == _EXTERNAL:
            yield _external(raw, is_comdat=raw.section in comdat)
        elif raw.storage == _STATIC and raw.section > 0 and not raw.name.startswith("."):
            yield Symbol(raw.name, Binding.LOCAL, is_defined=True)


def _external(raw: RawSymbol, *, is_comdat: bool) -> Symbol:
    if raw.section == 0 and raw.value == 0:
        return Symbol(raw.name, Binding.STRONG, is_defined=False)
    if raw.section == 0:
        return Symbol(raw.name, Binding.COMMON, is_defined=True)
    is_weak = is_comdat or raw.name.startswith(".weak.")
    return Symbol(raw.name, Binding.WEAK if is_weak else Binding.STRONG, is_defined=True)
