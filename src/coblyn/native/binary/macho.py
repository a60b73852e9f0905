"""Thin Mach-O objects, libraries and programs, through lief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coblyn.native.binary.binary import (
    Binary,
    Binding,
    Format,
    Kind,
    Section,
    Symbol,
    Visibility,
    unique,
)
from coblyn.native.binary.instructions import look_at_code
from coblyn.native.binary.text import name_of, word
from coblyn.native.binary.words import words_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import lief

__all__ = ["read_macho"]

_ARCHES = {
    "X86_64": "x86-64",
    "ARM64": "arm64",
    "X86": "x86",
    "ARM": "arm",
    "POWERPC": "ppc",
    "POWERPC64": "ppc64",
}
_KINDS = {
    "OBJECT": Kind.OBJECT,
    "EXECUTE": Kind.PROGRAM,
    "DYLIB": Kind.LIBRARY,
    "BUNDLE": Kind.LIBRARY,
    "DYLIB_STUB": Kind.LIBRARY,
}
_LOADS = {
    "LOAD_DYLIB",
    "LOAD_WEAK_DYLIB",
    "REEXPORT_DYLIB",
    "LOAD_UPWARD_DYLIB",
    "LAZY_LOAD_DYLIB",
}
_OPTIONAL = {"LOAD_WEAK_DYLIB", "LAZY_LOAD_DYLIB"}

# <mach-o/nlist.h>
_STAB = 0xE0
_PRIVATE = 0x10
_TYPE = 0x0E
_EXTERNAL = 0x01
_WEAK_REFERENCE = 0x40
_WEAK_DEFINITION = 0x80


def read_macho(source: Path | bytes, path: Path, member: str, *, with_code: bool) -> Binary | None:
    """Read a thin Mach-O file whose header has been checked; None if lief cannot read it.

    Args:
        source: The file, or the bytes of a slice or of an archive's member.
        path: The file that it is, or that contains it.
        member: Name in the archive.
        with_code: Whether to examine instructions, too.
    """
    import lief

    config = lief.MachO.ParserConfig.quick
    fat = lief.MachO.parse(source, config)
    macho = fat.at(0) if fat is not None and fat.size else None
    if macho is None:
        return None
    arch = _ARCHES.get(word(macho.header.cpu_type), word(macho.header.cpu_type).lower())
    platform, min_os, sdk = _target(macho)
    loads = [each for each in macho.libraries if word(each.command) in _LOADS]
    return Binary(
        path=path,
        format=Format.MACHO,
        kind=_KINDS.get(word(macho.header.file_type), Kind.LIBRARY),
        arch=arch,
        platform=platform,
        member=member,
        min_os=min_os,
        sdk=sdk,
        name=next(
            (name_of(each) for each in macho.libraries if word(each.command) == "ID_DYLIB"), ""
        ),
        needed=unique(name_of(each) for each in loads),
        optional=frozenset(name_of(each) for each in loads if word(each.command) in _OPTIONAL),
        rpaths=unique(name_of(each, "path") for each in macho.rpaths),
        symbols=tuple(_symbols(macho, [name_of(each) for each in loads])),
        sections=tuple(
            Section(f"{name_of(each, 'segment_name')},{name_of(each)}", each.size)
            for each in macho.sections
        ),
        words=words_in(
            each.content for each in macho.sections if name_of(each) in ("__cstring", "__const")
        ),
        code=look_at_code(arch, _code(macho)) if with_code else None,
    )


def _target(macho: lief.MachO.Binary) -> tuple[str, str, str]:
    """Platform, lowest system and SDK: from the build version, or from the older command for macOS or iOS."""
    build = macho.build_version
    if build is not None:
        return word(build.platform).lower(), _version(build.minos), _version(build.sdk)
    least = macho.version_min
    if least is not None:
        platform = "macos" if word(least.command) == "VERSION_MIN_MACOSX" else "ios"
        return platform, _version(least.version), _version(least.sdk)
    return "", "", ""


def _version(numbers: Sequence[int]) -> str:
    """Format 13, 3, 0 as 13.3; empty if unknown."""
    parts = list(numbers)
    while len(parts) > 2 and parts[-1] == 0:
        parts.pop()
    return ".".join(map(str, parts)) if any(parts) else ""


def _symbols(macho: lief.MachO.Binary, loads: Sequence[str]) -> Iterator[Symbol]:
    for raw in macho.symbols:
        kind = raw.raw_type
        name = name_of(raw)
        if kind & _STAB or not name:
            continue
        if not kind & _EXTERNAL and not kind & _PRIVATE:
            yield Symbol(name, Binding.LOCAL, is_defined=True)
        elif kind & _TYPE == 0 and raw.value == 0:
            yield _reference(name, raw.description, loads)
        else:
            yield Symbol(name, _binding(kind, raw), True, _visibility(kind))


def _binding(kind: int, raw: Any) -> Binding:
    if kind & _TYPE == 0:
        return Binding.COMMON
    # After the link, a name that was private is local and keeps its private flag.
    if not kind & _EXTERNAL:
        return Binding.LOCAL
    return Binding.WEAK if raw.description & _WEAK_DEFINITION else Binding.STRONG


def _visibility(kind: int) -> Visibility:
    return Visibility.HIDDEN if kind & _PRIVATE else Visibility.DEFAULT


def _reference(name: str, description: int, loads: Sequence[str]) -> Symbol:
    """A needed name; the upper byte says which library provides it (two-level namespace)."""
    number = description >> 8 & 0xFF
    library = loads[number - 1] if 0 < number <= len(loads) else ""
    is_weak = bool(description & _WEAK_REFERENCE)
    return Symbol(name, Binding.WEAK if is_weak else Binding.STRONG, False, library=library)


def _code(macho: lief.MachO.Binary) -> list[memoryview]:
    return [each.content for each in macho.sections if name_of(each) == "__text"]
