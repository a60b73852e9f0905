"""Windows libraries and programs (PE), through lief."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Binary, Binding, Format, Kind, Section, Symbol, unique
from coblyn.native.binary.coff import ARCHES
from coblyn.native.binary.instructions import look_at_code
from coblyn.native.binary.text import name_of, word
from coblyn.native.binary.words import words_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import lief

__all__ = ["read_pe"]

_DLL = 0x2000
_CODE = 0x20


def read_pe(source: Path | bytes, path: Path, *, with_code: bool) -> Binary | None:
    """Read a PE file whose header has been checked; None if lief cannot read it.

    Args:
        source: The file, or its bytes.
        path: The file.
        with_code: Whether to examine instructions, too.
    """
    import lief

    config = lief.PE.ParserConfig()
    config.parse_signature = False
    config.parse_rsrc = False
    config.parse_reloc = False
    config.parse_exceptions = False
    pe = lief.PE.parse(source, config)
    if pe is None:
        return None
    machine = word(pe.header.machine)
    arch = ARCHES.get(machine, machine.lower())
    exports = pe.get_export()
    late = [name_of(each) for each in pe.delay_imports]
    sections = list(pe.sections)
    code = [each.content for each in sections if each.characteristics & _CODE]
    optional = pe.optional_header
    return Binary(
        path=path,
        format=Format.PE,
        kind=Kind.LIBRARY if pe.header.characteristics & _DLL else Kind.PROGRAM,
        arch=arch,
        platform="windows",
        min_os=f"{optional.major_subsystem_version}.{optional.minor_subsystem_version}",
        name=name_of(exports) if exports else "",
        needed=unique([*(name_of(each) for each in pe.imports), *late]),
        optional=frozenset(late),
        symbols=tuple(_symbols(pe, exports)),
        sections=tuple(Section(name_of(each), each.size) for each in sections),
        words=words_in(each.content for each in sections if name_of(each) == ".rdata"),
        code=look_at_code(arch, code) if with_code else None,
    )


def _symbols(pe: lief.PE.Binary, exports: lief.PE.Export | None) -> Iterator[Symbol]:
    if exports is not None:
        for entry in exports.entries:
            if name := name_of(entry):
                yield Symbol(name, Binding.STRONG, is_defined=True)
    for library in pe.imports:
        for wanted in library.entries:
            # Imported by number only: there is no name to look up.
            if not wanted.is_ordinal and (name := name_of(wanted)):
                yield Symbol(name, Binding.STRONG, False, library=name_of(library))
