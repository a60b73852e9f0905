"""ELF objects, libraries and programs, through lief."""

from __future__ import annotations

import re
import struct
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
    from collections.abc import Iterator
    from pathlib import Path

    import lief

__all__ = ["read_elf"]

_ARCHES = {
    "X86_64": "x86-64",
    "AARCH64": "arm64",
    "I386": "x86",
    "ARM": "arm",
    "RISCV": "riscv",
    "PPC64": "ppc64",
    "S390": "s390x",
    "LOONGARCH": "loongarch",
}
_PLATFORMS = {"FREEBSD": "freebsd", "NETBSD": "netbsd", "OPENBSD": "openbsd", "SOLARIS": "solaris"}

_GLIBC = re.compile(r"GLIBC_(\d{1,4}(?:\.\d{1,4})*)")

_UNDEFINED = 0
_COMMON = 0xFFF2
_COMDAT = 1
_HIDDEN_VERSION = 0x8000


def read_elf(source: Path | bytes, path: Path, member: str, *, with_code: bool) -> Binary | None:
    """Read an ELF file whose header has been checked; None if lief cannot read it.

    Args:
        source: The file, or the bytes of an archive's member.
        path: The file that it is, or that contains it.
        member: Name in the archive.
        with_code: Whether to examine instructions, too.
    """
    import lief

    config = lief.ELF.ParserConfig()
    config.parse_relocations = False
    config.parse_overlay = False
    elf = lief.ELF.parse(source, config)
    if elf is None:
        return None
    arch = _ARCHES.get(word(elf.header.machine_type), word(elf.header.machine_type).lower())
    kind = _kind(elf)
    files = _version_files(elf)
    dynamic = _dynamic(elf)
    versions = _versions(elf)
    return Binary(
        path=path,
        format=Format.ELF,
        kind=kind,
        arch=arch,
        platform=_PLATFORMS.get(word(elf.header.identity_os_abi), "linux"),
        member=member,
        min_os=_glibc(versions),
        name=next(iter(dynamic.get("SONAME", ())), ""),
        needed=unique(dynamic.get("NEEDED", ())),
        versions=versions,
        rpaths=unique(
            entry
            for tag in ("RPATH", "RUNPATH")
            for paths in dynamic.get(tag, ())
            for entry in paths.split(":")
        ),
        symbols=tuple(_symbols(elf, kind, files)),
        sections=tuple(Section(name_of(section), section.size) for section in elf.sections),
        words=words_in(_contents(elf, (".rodata", ".data.rel.ro"))),
        code=look_at_code(arch, list(_code(elf))) if with_code else None,
    )


def _kind(elf: lief.ELF.Binary) -> Kind:
    name = word(elf.header.file_type)
    if name == "REL":
        return Kind.OBJECT
    return Kind.PROGRAM if name == "EXEC" or elf.has_interpreter else Kind.LIBRARY


def _dynamic(elf: lief.ELF.Binary) -> dict[str, list[str]]:
    """Strings of the dynamic section by tag."""
    import lief

    found: dict[str, list[str]] = {}
    for entry in elf.dynamic_entries:
        if isinstance(entry, lief.ELF.DynamicEntryRpath):
            found.setdefault("RPATH", []).append(name_of(entry, "rpath"))
        elif isinstance(entry, lief.ELF.DynamicEntryRunPath):
            found.setdefault("RUNPATH", []).append(name_of(entry, "runpath"))
        elif isinstance(entry, lief.ELF.DynamicEntryLibrary | lief.ELF.DynamicSharedObject):
            found.setdefault(word(entry.tag), []).append(name_of(entry))
    return found


def _version_files(elf: lief.ELF.Binary) -> dict[int, str]:
    """The library that each version index of a needed symbol belongs to."""
    return {
        version.other: name_of(requirement)
        for requirement in elf.symbols_version_requirement
        for version in requirement.get_auxiliary_symbols()
    }


def _versions(elf: lief.ELF.Binary) -> tuple[str, ...]:
    return unique(
        name_of(version)
        for requirement in elf.symbols_version_requirement
        for version in requirement.get_auxiliary_symbols()
    )


def _glibc(versions: tuple[str, ...]) -> str:
    """The newest glibc that a symbol requires: "glibc 2.34"."""
    found = [match for name in versions if (match := _GLIBC.fullmatch(name))]
    newest = max((tuple(map(int, match[1].split("."))) for match in found), default=())
    return f"glibc {'.'.join(map(str, newest))}" if newest else ""


def _symbols(elf: lief.ELF.Binary, kind: Kind, files: dict[int, str]) -> Iterator[Symbol]:
    """All symbols of an object; for a linked binary the shared ones, and the names of the rest as local symbols."""
    comdat = _comdat_sections(elf) if kind is Kind.OBJECT else frozenset()
    seen: set[str] = set()
    if kind is not Kind.OBJECT:
        for raw in elf.dynamic_symbols:
            if name := name_of(raw):
                seen.add(name)
                yield _symbol(name, raw, comdat, _library(raw, files))
    for raw in elf.symtab_symbols:
        name = name_of(raw)
        if not name or name in seen or word(raw.type) in ("FILE", "SECTION"):
            continue
        if kind is Kind.OBJECT:
            yield _symbol(name, raw, comdat, "")
        elif raw.shndx != _UNDEFINED:
            yield Symbol(name, Binding.LOCAL, is_defined=True)


def _symbol(name: str, raw: Any, comdat: frozenset[int], library: str) -> Symbol:
    visibility = Visibility.DEFAULT
    if word(raw.visibility) in ("HIDDEN", "INTERNAL"):
        visibility = Visibility.HIDDEN
    return Symbol(
        name,
        _binding(word(raw.binding), raw.shndx, comdat),
        is_defined=raw.shndx != _UNDEFINED,
        visibility=visibility,
        library=library,
    )


def _binding(name: str, section: int, comdat: frozenset[int]) -> Binding:
    if name == "LOCAL":
        return Binding.LOCAL
    if section == _COMMON:
        return Binding.COMMON
    if name == "GLOBAL" and section not in comdat:
        return Binding.STRONG
    return Binding.WEAK


def _library(raw: Any, files: dict[int, str]) -> str:
    if not files or raw.shndx != _UNDEFINED or raw.symbol_version is None:
        return ""
    return files.get(raw.symbol_version.value & ~_HIDDEN_VERSION, "")


def _comdat_sections(elf: lief.ELF.Binary) -> frozenset[int]:
    """Numbers of the sections of which the linker keeps one copy."""
    found: set[int] = set()
    entry = struct.Struct(">I" if word(elf.header.identity_data) == "MSB" else "<I")
    for section in elf.sections:
        if word(section.type) == "GROUP":
            content = bytes(section.content)[: len(section.content) & ~3]
            words = [number for (number,) in entry.iter_unpack(content)]
            if words and words[0] & _COMDAT:
                found.update(words[1:])
    return frozenset(found)


def _contents(elf: lief.ELF.Binary, beginnings: tuple[str, ...]) -> Iterator[memoryview]:
    for section in elf.sections:
        if name_of(section).startswith(beginnings):
            yield section.content


def _code(elf: lief.ELF.Binary) -> Iterator[memoryview]:
    import lief

    for section in elf.sections:
        if section.has(lief.ELF.Section.FLAGS.EXECINSTR) and not name_of(section).startswith(
            ".plt"
        ):
            yield section.content
