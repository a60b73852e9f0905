"""Finds where the system's loader would find a library: among the given files, in run paths, on this machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.native.audit.suppliers import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coblyn.native.audit.host import Host
    from coblyn.native.binary.binary import Binary

__all__ = ["Neighbours", "own_folder", "resolved"]

_OWN = re.compile(r"\$ORIGIN|\$\{ORIGIN\}|@loader_path|@executable_path")


@dataclass(frozen=True)
class Neighbours:
    """The binaries of one audit, indexed by the names that other binaries request them by.

    Attributes:
        binaries: All of them.
        host: The machine on which libraries are searched for.
    """

    binaries: tuple[Binary, ...]
    host: Host

    @cached_property
    def _by_name(self) -> dict[str, list[Binary]]:
        table: dict[str, list[Binary]] = {}
        for each in self.binaries:
            if each.is_linked:
                for name in {each.path.name, base_name(each.name)} - {""}:
                    table.setdefault(name.lower(), []).append(each)
        return table

    def named(self, library: str, asker: Binary) -> tuple[Binary, ...]:
        """The given binaries that a library's name refers to for the binary that requests it."""
        found = self._by_name.get(base_name(library).lower(), ())
        return tuple(
            each for each in found if each.format is asker.format and each.arch == asker.arch
        )

    def is_native(self, binary: Binary) -> bool:
        """Whether a binary is for this machine, so that its libraries can be searched for here."""
        return binary.platform == self.host.os and binary.arch == self.host.arch

    def place(self, library: str, asker: Binary) -> Path | None:
        """Path of a library on this machine, or None."""
        return next((path for path in self._places(library, asker) if _is_file(path)), None)

    def _places(self, library: str, asker: Binary) -> Iterator[Path]:
        name = base_name(library)
        if own_folder(library):
            yield resolved(library, asker)
        elif library.startswith("/"):
            yield Path(library)
            return
        for rpath in asker.rpaths:
            yield resolved(rpath, asker) / name
        yield asker.path.parent / name
        if self.is_native(asker):
            for folder in _system_folders(asker.platform):
                yield folder / name


def own_folder(path: str) -> bool:
    """Whether a path begins at the location of the binary that contains it."""
    return bool(_OWN.match(path))


def resolved(path: str, binary: Binary) -> Path:
    """A run path as a path on this machine."""
    folder = str(binary.path.parent)
    return Path(_OWN.sub(lambda _: folder, path))


@cache
def _system_folders(platform: str) -> tuple[Path, ...]:
    """Directories that the loader of this machine's system searches by default."""
    if platform == "windows":
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        more = os.environ.get("PATH", "").split(os.pathsep)
        return tuple(Path(folder) for folder in (rf"{root}\System32", *more) if folder)
    if platform == "macos":
        return (Path("/usr/local/lib"), Path("/usr/lib"))
    told = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    usual = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64")
    found = [*told, *_configured(Path("/etc/ld.so.conf")), *usual, *_multiarch()]
    return tuple(Path(folder) for folder in dict.fromkeys(found) if folder)


def _multiarch() -> Sequence[str]:
    return sorted(map(str, Path("/usr/lib").glob("*-linux-*")))


def _configured(file: Path, depth: int = 3) -> Iterator[str]:
    """Directories of ``ld.so.conf`` and of the files it includes."""
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] == "include" and depth:
            # joinpath: an absolute pattern replaces the directory.
            pattern = file.parent.joinpath(words[1])
            for path in sorted(pattern.parent.glob(pattern.name)):
                yield from _configured(path, depth - 1)
        elif len(words) == 1:
            yield words[0]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
