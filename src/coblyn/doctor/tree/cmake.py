"""CMake's caches: the options of a build directory, and how its configuration went.

Format of ``CMakeCache.txt``: ``NAME:TYPE=VALUE``, comments with ``#`` and ``//``, as
https://cmake.org/cmake/help/latest/manual/cmake.1.html describes it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_bytes, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coblyn.doctor.tree.files import Files

__all__ = ["Cache", "CacheEntry", "Script", "configure_error", "read_caches", "read_scripts"]

_MAX_BYTES = 16_000_000
_MAX_ENTRIES = 20_000
_MAX_CACHES = 20
_MAX_SCRIPTS = 3_000
_MAX_SCRIPT_BYTES = 1_000_000
_ENTRY = re.compile(
    rb'^(?:"(?P<quoted>[^"\n]{1,300})"|(?P<name>[^:=#/\s"][^:=\n]{0,300})):(?P<type>[A-Z]{1,20})=(?P<value>[^\r\n]{0,4000})',
    re.MULTILINE,
)
_PATHS = (
    *("CMAKE_HOME_DIRECTORY", "CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER", "CMAKE_CUDA_COMPILER"),
    *("CMAKE_HIP_COMPILER", "CMAKE_OBJC_COMPILER", "CMAKE_MAKE_PROGRAM", "CMAKE_OSX_SYSROOT"),
    *("CMAKE_TOOLCHAIN_FILE", "CMAKE_COMMAND"),
)
_ERROR = re.compile(r"\b(?:fatal )?error:? |\berror: ")
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{2,80}")
_OPTION = re.compile(
    rb"\b(?:cmake_dependent_)?option\s*\(\s*([A-Za-z_][A-Za-z0-9_]{2,80})", re.IGNORECASE
)
_CACHED = re.compile(
    rb"\bset\s*\(\s*([A-Za-z_][A-Za-z0-9_]{2,80})\s[^()]{0,300}\bCACHE\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One entry of a cache.

    Attributes:
        value: As written.
        kind: "BOOL", "PATH", "UNINITIALIZED" and so on.
        line: Its line number, from 1.
    """

    value: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Cache:
    """A ``CMakeCache.txt``.

    Attributes:
        name: The file, as a name in the tree.
        folder: The build directory, absolute.
        entries: Its entries by name.
        is_generated: Whether build files are next to it; without them, configuring failed.
        is_whole: False if it was not read to the end.
        is_in_place: Whether it was created in this directory, not moved or copied.
        gone: Entries that name a file or directory that does not exist (any longer).
    """

    name: str
    folder: Path
    entries: Mapping[str, CacheEntry] = field(default_factory=lambda: MappingProxyType({}))
    is_generated: bool = True
    is_whole: bool = True
    is_in_place: bool = True
    gone: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        """Value of an entry; empty if there is none."""
        entry = self.entries.get(name)
        return entry.value if entry else ""

    def line(self, name: str) -> int:
        """Line of an entry; 0 if there is none."""
        entry = self.entries.get(name)
        return entry.line if entry else 0

    def is_on(self, name: str) -> bool:
        """Whether an option is set, by CMake's rules for truth."""
        return self[name].upper() in ("1", "ON", "YES", "TRUE", "Y")


@dataclass(frozen=True, slots=True)
class Script:
    """What the CMake files of a tree mention.

    Attributes:
        words: Every name in them.
        options: Options declared for the user.
        is_whole: False if some were omitted.
    """

    words: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    is_whole: bool = True


def read_caches(files: Files) -> tuple[Cache, ...]:
    """Every cache in the tree; the root's own first."""
    names = [name for name in files.entries if name.rpartition("/")[2] == "CMakeCache.txt"]
    ordered = sorted(names, key=lambda name: (name.count("/"), name))[:_MAX_CACHES]
    return tuple(_read_cache(files, name) for name in ordered)


def read_scripts(files: Files) -> Script:
    """Read the CMake files, including those in build directories, since projects are fetched there."""
    names = [
        name
        for name in files.entries
        if name.endswith((".cmake", "CMakeLists.txt", ".cmake.in")) and "/CMakeFiles/" not in name
    ]
    words: set[bytes] = set()
    options: set[bytes] = set()
    for name in names[:_MAX_SCRIPTS]:
        text = read_bytes(files.path(name), _MAX_SCRIPT_BYTES)
        words.update(_WORD.findall(text))
        options.update(_OPTION.findall(text))
        options.update(_CACHED.findall(text))
    return Script(
        frozenset(word.decode("ascii") for word in words),
        frozenset(word.decode("ascii") for word in options),
        is_whole=len(names) <= _MAX_SCRIPTS and not files.notes,
    )


def _read_cache(files: Files, name: str) -> Cache:
    path = files.path(name)
    data = read_bytes(path, _MAX_BYTES)
    folder = name.rpartition("/")[0]
    beside = files.folders.get(folder, ())
    made = any(
        each in ("build.ninja", "Makefile") or each.endswith((".sln", ".slnx", ".xcodeproj"))
        for each in beside
    )
    entries = _entries(data)
    return Cache(
        name,
        path.parent,
        entries,
        is_generated=made,
        is_whole=len(data) < _MAX_BYTES,
        is_in_place=_is_in_place(entries, path.parent),
        gone=tuple(each for each in _PATHS if each in entries and _is_gone(entries[each].value)),
    )


def _is_in_place(entries: Mapping[str, CacheEntry], folder: Path) -> bool:
    made = entries.get("CMAKE_CACHEFILE_DIR")
    # A symbolic link in the path, or another spelling of a drive, is not a move.
    return made is None or os.path.realpath(made.value) == os.path.realpath(folder)


def _is_gone(value: str) -> bool:
    return Path(value).is_absolute() and not os.path.lexists(value)


def _entries(data: bytes) -> dict[str, CacheEntry]:
    found: dict[str, CacheEntry] = {}
    line, last = 1, 0
    for match in _ENTRY.finditer(data):
        line += data.count(b"\n", last, match.start())
        last = match.start()
        name = (match["quoted"] or match["name"]).decode("utf-8", "replace")
        value = match["value"].decode("utf-8", "replace").strip()
        found[name] = CacheEntry(value, match["type"].decode("ascii"), line)
        if len(found) >= _MAX_ENTRIES:
            break
    return found


def configure_error(folder: Path) -> str:
    """The last error in CMake's log of its checks; empty without one. Checks may fail in healthy builds too."""
    for name in ("CMakeConfigureLog.yaml", "CMakeError.log"):
        text = read_text(folder / "CMakeFiles" / name, _MAX_BYTES)
        found = [line.strip() for line in text.splitlines() if _ERROR.search(line)]
        if found:
            return found[-1][:500]
    return ""
