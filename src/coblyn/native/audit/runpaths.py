"""Run paths that lead out of the bundle: to build directories, to one machine's folders, to the current directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.native.audit.search import own_folder, resolved
from coblyn.native.binary.binary import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coblyn.native.binary.binary import Binary

__all__ = ["Escape", "Way", "escapes"]

# Where a system or a GPU's toolkit is installed for all users.
_COMMON = (
    *("/usr/lib", "/lib", "/System/", "/usr/local/cuda", "/opt/rocm", "/opt/intel"),
    *("/usr/local/lib", "/opt/homebrew"),
)


class Way(StrEnum):
    """How a run path leads out of the bundle."""

    ABSOLUTE = "absolute"
    """To a directory that other machines do not have."""
    ABOVE = "above"
    """Above the bundle's directory."""
    CURRENT = "current"
    """To the directory in which the program is started: any library with the right name there is loaded."""


@dataclass(frozen=True, slots=True)
class Escape:
    """A run path that leads out of the bundle.

    Attributes:
        binary: The binary that has it.
        path: As written; empty for the current directory.
        way: How it leads out.
        is_used: Whether the loader searches it for any library at all.
        is_own: Whether it is the binary's current directory: it works until the binary is moved.
    """

    binary: Binary
    path: str
    way: Way
    is_used: bool
    is_own: bool = False


def escapes(binaries: Iterable[Binary], root: Path | None = None) -> tuple[Escape, ...]:
    """The run paths that lead out of the bundle.

    Args:
        binaries: Libraries and programs; others have none.
        root: The bundle's directory; None if it is unknown, in which case no path counts as above it.
    """
    return tuple(escape for binary in binaries for escape in _of(binary, root))


def _of(binary: Binary, root: Path | None) -> Iterator[Escape]:
    is_used = _is_used(binary)
    for path in binary.rpaths:
        way = _way(path, binary, root)
        if way:
            is_own = way is Way.ABSOLUTE and _is_place_of(path, binary)
            yield Escape(binary, path, way, is_used, is_own)


def _way(path: str, binary: Binary, root: Path | None) -> Way | None:
    if own_folder(path):
        if root is None:
            return None
        place = Path(os.path.normpath(resolved(path, binary)))
        is_inside = place.is_relative_to(Path(os.path.normpath(root)))
        return None if is_inside else Way.ABOVE
    if path in ("", "."):
        return Way.CURRENT
    if path.startswith(_COMMON):
        return None
    return Way.ABSOLUTE if path.startswith("/") else Way.CURRENT


def _is_place_of(path: str, binary: Binary) -> bool:
    try:
        return os.path.realpath(path) == os.path.realpath(binary.path.parent)
    except (OSError, ValueError):  # a path that no system takes
        return False


def _is_used(binary: Binary) -> bool:
    """Whether the loader searches the run paths: Apple's does so only for names that begin with ``@rpath``."""
    if binary.format is Format.MACHO:
        return any(library.startswith("@rpath/") for library in binary.needed)
    return bool(binary.needed)
