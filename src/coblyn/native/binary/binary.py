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
    """How a file is laid out."""

    ELF = "ELF"
    MACHO = "Mach-O"
    PE = "PE"
    COFF = "COFF"


class Kind(StrEnum):
    """What a file is for."""

    OBJECT = "object"
    LIBRARY = "shared library"
    PROGRAM = "program"
    IMPORT = "import"
    """A member of Microsoft's import libraries: one name that a DLL gives."""


class Binding(StrEnum):
    """How a symbol takes part in a link."""

    STRONG = "strong"
    """One definition is allowed; as a reference: has to be there."""
    WEAK = "weak"
    """Any number of definitions, the linker takes one (weak, COMDAT, unique); as a reference: may be missing."""
    COMMON = "common"
    """Tentative definition of C: merged with others of that name."""
    LOCAL = "local"
    """Not seen by other files."""


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
        is_defined: Whether the file has it, or needs it.
        visibility: Which files may see it.
        library: Needed by a library or program: the library that it is expected in (two-level names of Mach-O, imports
            of PE, symbol versions of ELF); empty if any will do.
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
    """Instructions beyond an architecture's base that are in the code.

    Attributes:
        name: As Linux names it in ``/proc/cpuinfo``, such as "avx512f" or "asimddp".
        count: How many instructions need it.
    """

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        text: In the assembler's language, "tilezero tmm0"; empty if the bytes are not one, or cannot be read here.
        sets: Sets beyond the base that it needs, as Linux names them; the one that it belongs to first.
    """

    text: str = ""
    sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """What looking at the instructions gave.

    Attributes:
        instruction_sets: Those beyond the base, by name.
        asks_cpu: Whether the code asks the CPU what it can do, so that what it uses may be guarded by that.
        is_whole: Whether all code was looked at, or only its first part.
    """

    instruction_sets: tuple[InstructionSet, ...] = ()
    asks_cpu: bool = False
    is_whole: bool = True


@dataclass(frozen=True)
class Binary:
    """One object file, library or program; a slice of a universal file or a member of an archive is one, too.

    Attributes:
        path: The file.
        format: How it is laid out.
        kind: What it is for.
        arch: "x86-64", "arm64", "x86", "arm", or what the format calls it.
        platform: "linux", "macos", "windows", or another's name; empty if the file does not say.
        member: Name of the archive's member; empty if it is the file itself.
        min_os: Lowest system that it is made for: macOS "13.3", Windows "6.0", Linux "glibc 2.34"; empty if unknown.
        sdk: Version of the SDK that it was made with (Mach-O); empty if unknown.
        name: soname, install name, or name of the DLL, as the file says.
        needed: Libraries that it asks for, as it asks for them.
        optional: Those of ``needed`` that it can do without (weak or loaded late).
        versions: Versions of symbols that it asks of them (ELF), such as "GLIBC_2.34" and "GLIBCXX_3.4.30".
        rpaths: Where it looks for them, as written.
        symbols: What it defines and needs.
        sections: Its sections.
        words: Names found in its constant data; see `coblyn.native.binary.words`.
        code: What its instructions say; None if they were not read.
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
        """How it is shown: the file's name, and the member's in brackets."""
        return f"{self.path.name}({self.member})" if self.member else self.path.name

    @property
    def is_linked(self) -> bool:
        """Whether a linker has made it: a library or a program."""
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
        """Names that it defines for others, after a link."""
        return frozenset(
            symbol.name
            for symbol in self.symbols
            if symbol.is_defined
            and symbol.binding is not Binding.LOCAL
            and symbol.visibility is Visibility.DEFAULT
        )

    @cached_property
    def defined(self) -> frozenset[str]:
        """All names that it defines, local ones too."""
        return frozenset(symbol.name for symbol in self.symbols if symbol.is_defined)

    @cached_property
    def undefined(self) -> tuple[Symbol, ...]:
        """What it needs from elsewhere and cannot do without."""
        return tuple(
            symbol
            for symbol in self.symbols
            if not symbol.is_defined and symbol.binding is not Binding.WEAK
        )

    def size_of(self, name: str) -> int:
        """Bytes of the sections of that name, or (Mach-O) of that name in any segment; 0 if there is none."""
        return sum(
            section.size
            for section in self.sections
            if section.name == name or section.name.rpartition(",")[2] == name
        )


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names without repetitions, in their order."""
    return tuple(dict.fromkeys(names))
