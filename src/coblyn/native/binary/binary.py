"""Facts about one object file, library or program. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "Binary",
    "Binding",
    "Code",
    "Format",
    "Instruction",
    "InstructionSet",
    "Kind",
    "Section",
    "Symbol",
    "Visibility",
    "unique",
]


class Format(StrEnum):
    """Format of a file."""

    ELF = "ELF"
    MACHO = "Mach-O"
    PE = "PE"
    COFF = "COFF"


class Kind(StrEnum):
    """Purpose of a file."""

    OBJECT = "object"
    LIBRARY = "shared library"
    PROGRAM = "program"
    IMPORT = "import"
    """A member of Microsoft's import libraries: one name that a DLL exports."""


class Binding(StrEnum):
    """How a symbol takes part in a link."""

    STRONG = "strong"
    """Exactly one definition is allowed; a reference must be resolved."""
    WEAK = "weak"
    """With any number of definitions, the linker takes one (weak, COMDAT, unique); a reference may stay unresolved."""
    COMMON = "common"
    """Tentative definition of C: merged with others of the same name."""
    LOCAL = "local"
    """Not visible to other files."""


class Visibility(StrEnum):
    """Which files may see a symbol after the link."""

    DEFAULT = "default"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that a file defines or needs.

    Attributes:
        name: As it is in the file: mangled, and with the leading underscore of Mach-O.
        binding: How it takes part in a link.
        is_defined: Whether the file defines it; otherwise, the file needs it.
        visibility: Which files may see it.
        library: For a symbol that a library or program needs: the library it is expected in (two-level names of Mach-O,
            imports of PE, symbol versions of ELF); empty if any library is acceptable.
    """

    name: str
    binding: Binding
    is_defined: bool
    visibility: Visibility = Visibility.DEFAULT
    library: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a file.

    Attributes:
        name: Its name; of Mach-O with the segment: ``__DATA,__ggml_metallib``.
        size: Bytes.
    """

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """Instructions beyond an architecture's base that the code contains.

    Attributes:
        name: As Linux names it in ``/proc/cpuinfo``, such as "avx512f" or "asimddp".
        count: Number of instructions that need it.
    """

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        text: Assembly language, "tilezero tmm0"; empty if the bytes are not an instruction, or cannot be decoded here.
        sets: Sets beyond the base that it needs, as Linux names them; the set that it belongs to first.
    """

    text: str = ""
    sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """Result of examining the instructions.

    Attributes:
        instruction_sets: Those beyond the base, by name.
        asks_cpu: Whether the code queries the CPU's features, which may guard the instructions it uses.
        is_whole: Whether all code was examined, or only its first part.
    """

    instruction_sets: tuple[InstructionSet, ...] = ()
    asks_cpu: bool = False
    is_whole: bool = True


@dataclass(frozen=True)
class Binary:
    """One object file, library or program; a slice of a universal file or a member of an archive is one, too.

    Attributes:
        path: Path of the file.
        format: Its format.
        kind: Its purpose.
        arch: "x86-64", "arm64", "x86", "arm", or the format's own name for it.
        platform: "linux", "macos", "windows", or the name of another; empty if the file does not say.
        member: Name of the archive's member; empty if it is the file itself.
        min_os: Lowest system that it is made for: macOS "13.3", Windows "6.0", Linux "glibc 2.34"; empty if unknown.
        sdk: Version of the SDK that it was made with (Mach-O); empty if unknown.
        name: soname, install name, or name of the DLL, as the file gives it.
        needed: Libraries that it requests, as it names them.
        optional: The libraries in ``needed`` that it can do without (weak or loaded late).
        versions: Symbol versions that it requires of them (ELF), such as "GLIBC_2.34" and "GLIBCXX_3.4.30".
        rpaths: Where it searches for them, as written.
        symbols: Symbols that it defines and needs.
        sections: Its sections.
        words: Names found in its constant data; see `coblyn.native.binary.words`.
        code: Facts about its instructions; None if they were not read.
    """

    path: Path
    format: Format
    kind: Kind
    arch: str
    platform: str = ""
    member: str = ""
    min_os: str = ""
    sdk: str = ""
    name: str = ""
    needed: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    versions: tuple[str, ...] = ()
    rpaths: tuple[str, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    sections: tuple[Section, ...] = ()
    words: frozenset[str] = frozenset()
    code: Code | None = None

    @property
    def label(self) -> str:
        """Its display name: the file's name, with the member's in brackets."""
        return f"{self.path.name}({self.member})" if self.member else self.path.name

    @property
    def is_linked(self) -> bool:
        """Whether it is linked: a library or a program."""
        return self.kind in (Kind.LIBRARY, Kind.PROGRAM)

    @cached_property
    def strong(self) -> frozenset[str]:
        """Names that it defines and that no other file of the same link may define."""
        return frozenset(
            symbol.name
            for symbol in self.symbols
            if symbol.is_defined and symbol.binding is Binding.STRONG
        )

    @cached_property
    def exported(self) -> frozenset[str]:
        """Names that it defines for other files, after a link."""
        return frozenset(
            symbol.name
            for symbol in self.symbols
            if symbol.is_defined
            and symbol.binding is not Binding.LOCAL
            and symbol.visibility is Visibility.DEFAULT
        )

    @cached_property
    def defined(self) -> frozenset[str]:
        """All names that it defines, including local ones."""
        return frozenset(symbol.name for symbol in self.symbols if symbol.is_defined)

    @cached_property
    def undefined(self) -> tuple[Symbol, ...]:
        """Names that it needs from elsewhere and cannot do without."""
        return tuple(
            symbol
            for symbol in self.symbols
            if not symbol.is_defined and symbol.binding is not Binding.WEAK
        )

    def size_of(self, name: str) -> int:
        """Total size in bytes of the sections with that name, in any segment for Mach-O; 0 if there is none."""
        return sum(
            section.size
            for section in self.sections
            if section.name == name or section.name.rpartition(",")[2] == name
        )


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names without repetitions, in their original order."""
    return tuple(dict.fromkeys(names))
