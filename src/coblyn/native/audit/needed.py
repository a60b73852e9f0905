"""Libraries that a binary needs: where they would come from, and which cannot be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.audit.search import own_folder
from coblyn.native.audit.suppliers import Supplier, supplier
from coblyn.native.binary.binary import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.native.audit.search import Neighbours
    from coblyn.native.binary.binary import Binary

__all__ = ["Absolute", "Missing", "absolute_libraries", "missing_libraries"]


@dataclass(frozen=True, slots=True)
class Missing:
    """A needed library that cannot be found.

    Attributes:
        binary: The file that needs it.
        library: Name of the library, as the binary requests it.
        supplier: What would supply it, judged by its name.
        is_sure: Whether all places where it could be were searched.
    """

    binary: Binary
    library: str
    supplier: Supplier
    is_sure: bool

    @property
    def text(self) -> str:
        """The finding, as a phrase that follows the binary's name."""
        return f"needs {self.library}, which is not here"

    @property
    def is_fatal(self) -> bool:
        """Whether the binary cannot be loaded; a driver's libraries exist where its device does."""
        return self.is_sure and not self.is_of_driver

    @property
    def is_of_driver(self) -> bool:
        """Whether a GPU's driver or toolkit would supply it."""
        return self.supplier is Supplier.DRIVER


@dataclass(frozen=True, slots=True)
class Absolute:
    """A library that is requested by a path that other machines do not have.

    Attributes:
        binary: The file that requests it.
        library: The path.
    """

    binary: Binary
    library: str


def missing_libraries(neighbours: Neighbours) -> tuple[Missing, ...]:
    """Needed libraries that are neither among the given binaries, nor part of the system, nor on this machine.

    Args:
        neighbours: The binaries, and the machine to search.
    """
    return tuple(
        each
        for binary in neighbours.binaries
        if binary.is_linked
        for library in binary.needed
        if library not in binary.optional
        for each in _missing(binary, library, neighbours)
    )


def _missing(binary: Binary, library: str, neighbours: Neighbours) -> Iterator[Missing]:
    if neighbours.named(library, binary) or neighbours.place(library, binary):
        return
    who = supplier(library, binary.platform)
    is_native = neighbours.is_native(binary)
    if who is Supplier.HOST or (who is Supplier.SYSTEM and not _is_looked_for(binary, is_native)):
        return
    # A library expected next to the binary is searched for there, whatever machine it is for.
    is_beside = own_folder(library) or library.startswith("@rpath/")
    yield Missing(binary, library, who, is_sure=is_native or is_beside)


def _is_looked_for(binary: Binary, is_native: bool) -> bool:
    """Whether system libraries are files here: Apple's are not, and Windows' loader makes some of them up."""
    return is_native and binary.format is Format.ELF


def absolute_libraries(neighbours: Neighbours) -> tuple[Absolute, ...]:
    """Libraries that are requested by an absolute path outside the system's directories.

    Args:
        neighbours: The binaries.
    """
    return tuple(
        Absolute(binary, library)
        for binary in neighbours.binaries
        if binary.is_linked
        for library in binary.needed
        if library.startswith("/") and supplier(library, binary.platform) is Supplier.UNKNOWN
    )
