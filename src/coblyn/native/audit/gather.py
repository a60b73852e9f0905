"""Finds the binaries in the user's arguments."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.errors import BinaryUnreadable
from coblyn.native.binary.read import looks_binary, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coblyn.native.binary.binary import Binary

__all__ = ["MAX_FILES", "Broken", "Gathered", "gather"]

MAX_FILES = 5000
"""Maximum number of files examined per directory."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that cannot be read.

    Attributes:
        path: The file.
        reason: What is wrong with it, as a sentence.
    """

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """The binaries that were found, and the files that could not be read.

    Attributes:
        binaries: All readable binaries, in the order in which they were named.
        broken: Files that look like binaries but cannot be read.
        named: Files that were named individually; all others were found in directories.
        unfinished: Directories that hold more than `MAX_FILES` files, the rest of which were not examined.
    """

    binaries: tuple[Binary, ...]
    broken: tuple[Broken, ...] = ()
    named: frozenset[Path] = frozenset()
    unfinished: tuple[Path, ...] = ()


def gather(paths: Iterable[Path]) -> Gathered:
    """Read files, and all binaries in directories.

    Args:
        paths: Files and directories.

    Raises:
        BinaryUnreadable: A file named explicitly is not a binary, there is no binary, or the only one is damaged.
    """
    binaries: list[Binary] = []
    broken: list[Broken] = []
    first: BinaryUnreadable | None = None
    given = tuple(paths)
    unfinished: list[Path] = []
    for path in _files(given, unfinished):
        try:
            binaries += read(path)
        except BinaryUnreadable as error:
            if not looks_binary(path) and not _is_empty_object(path):
                raise
            first = first or error
            broken.append(Broken(path, error.message))
    if not binaries and len(broken) < 2:
        raise first or BinaryUnreadable(
            "There are no object files, libraries or programs to look at.",
            hint="Give files, or directories that hold some.",
        )
    named = frozenset(path for path in given if not path.is_dir())
    return Gathered(tuple(binaries), tuple(broken), named, tuple(unfinished))


def _files(paths: Iterable[Path], unfinished: list[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in paths:
        for file in _walk(path, unfinished) if path.is_dir() else (path,):
            # A library and the links to it (libx.so, libx.so.1) count as one.
            real = Path(os.path.realpath(file))
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path, unfinished: list[Path]) -> Iterator[Path]:
    left = MAX_FILES
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and (looks_binary(path) or _is_empty_object(path)):
                if not left:
                    unfinished.append(folder)
                    return
                left -= 1
                yield path


def _is_empty_object(path: Path) -> bool:
    try:
        return path.suffix in (".o", ".obj", ".a") and path.stat().st_size == 0
    except OSError:
        return False
