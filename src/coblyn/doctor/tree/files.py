"""Lists the files of a tree, each examined once, and reads files without hanging or filling memory."""

from __future__ import annotations

import errno
import fnmatch
import os
import posixpath
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, cast

from coblyn.doctor.repair import KEEPING
from coblyn.errors import NotFound
from coblyn.progress import Progress, Report, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Entry", "Files", "list_files", "opened", "printable", "read_bytes", "read_text"]

MAX_FILES = 200_000
"""Maximum number of entries listed: half of the largest source trees, in about two seconds."""

_MAX_DEPTH = 60
# A path that is absolute, or has empty, "." or ".." components.
_UNTIDY = re.compile(r"^(?:/|$)|(?:^|/)\.{0,2}(?:/|$)")
# Directories that contain no build rules, and that can be larger than the rest of the tree.
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".mypy_cache", ".tox"}
    # Files that `--fix` cleared are no longer part of the build.
    | {KEEPING}
)
_REPORT_EVERY = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file.

    Attributes:
        size: Bytes.
        mtime: Time of the last change, nanoseconds since 1970.
    """

    size: int
    mtime: int


@dataclass(frozen=True, slots=True)
class Files:
    """The regular files of a tree by their path from the root, with slashes.

    Attributes:
        root: Absolute path of the tree.
        entries: The files; links to files count as files, links to directories are not followed.
        folders: Sorted names in each directory (relative to the root, which is "").
        notes: What was omitted, and why.
    """

    root: Path
    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    _prefix: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        """Keep the root as text: names are computed tens of thousands of times."""
        object.__setattr__(self, "_prefix", self.root.as_posix().rstrip("/") + "/")

    def name(self, path: str | Path) -> str:
        """A path as a name in this tree: relative to the root if inside, absolute otherwise."""
        text = path if isinstance(path, str) and os.name != "nt" else Path(path).as_posix()
        if not _UNTIDY.search(text) and (os.name != "nt" or ":" not in text):
            return text
        absolute = posixpath.normpath(
            text if Path(text).is_absolute() else posixpath.join(self._prefix, text)
        )
        inside = absolute.startswith(self._prefix)
        return absolute.removeprefix(self._prefix) if inside else absolute

    def path(self, name: str) -> Path:
        """The absolute path of a name."""
        return self.root / name

    def entry(self, name: str) -> Entry | None:
        """The entry of a regular file inside or outside the tree; None if it is not one."""
        found = self.entries.get(name)
        if found or not posixpath.isabs(name):
            return found
        try:
            status = Path(name).stat()
        except (OSError, ValueError):
            return None
        regular = stat.S_ISREG(status.st_mode)
        return Entry(status.st_size, status.st_mtime_ns) if regular else None

    def exists(self, name: str) -> bool:
        """Whether there is a file or directory of that name."""
        if name in self.entries or name in self.folders:
            return True
        return posixpath.isabs(name) and os.path.lexists(name)

    def newest(self, names: Iterator[str]) -> tuple[str, int]:
        """The file that was changed last, and when, in nanoseconds since 1970; ("", 0) if none exists."""
        times = ((entry.mtime, name) for name in names if (entry := self.entry(name)))
        when, name = max(times, default=(0, ""))
        return name, when

    def glob(self, pattern: str, spend: Callable[[int], None] = lambda _: None) -> tuple[str, ...]:
        """Files and directories inside the tree that match a shell pattern, sorted.

        Args:
            pattern: The pattern.
            spend: Receives the number of names about to be examined; may raise to end the search.
        """
        found = [""]
        for part in pattern.split("/"):
            spend(sum(len(self.folders.get(folder, ())) for folder in found))
            found = [match for folder in found for match in self._fitting(folder, part)]
        return tuple(sorted(found))

    def _fitting(self, folder: str, part: str) -> Iterator[str]:
        prefix = f"{folder}/" if folder else ""
        if not re.search(r"[*?\[]", part):
            if self.exists(prefix + part):
                yield prefix + part
            return
        fits = re.compile(fnmatch.translate(part)).match
        for name in self.folders.get(folder, ()):
            if fits(name) and (part[0] == "." or name[0] != "."):
                yield prefix + name


def list_files(root: Path, report: Report = silent) -> Files:
    """List a tree.

    Raises:
        NotFound: It does not exist, is not a directory, or cannot be read.
    """
    top = _absolute(root)
    if not top.is_dir():
        what = "is a file, not a directory" if top.exists() else "does not exist"
        raise NotFound(f"{root} {what}.", hint="Name the directory of the source tree.")
    return _Listing(top, report).run()


def _absolute(path: Path) -> Path:
    """An absolute path without ``..``; symbolic links are kept, since the user wrote them."""
    top = Path() if path.is_absolute() else Path.cwd()
    for part in path.parts:
        # The parent of a symbolic link is that of its target.
        top = top.resolve().parent if part == ".." else top / part
    return top


class _Listing:
    def __init__(self, root: Path, report: Report) -> None:
        self.root, self.report = root, report
        self.entries: dict[str, Entry] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.notes: list[str] = []
        self.seen = 0

    def run(self) -> Files:
        waiting = [("", 0)]
        while waiting:
            folder, depth = waiting.pop()
            below = self._list(folder)
            if depth < _MAX_DEPTH:
                waiting += ((name, depth + 1) for name in below)
            elif below:
                self.notes.append(f"{printable(folder)}: too deep, what is below was left out.")
            if self.seen > MAX_FILES:
                self.notes.append(
                    f"More than {MAX_FILES:,} files: the rest was left out. Name a directory inside."
                )
                break
        return Files(self.root, self.entries, self.folders, tuple(self.notes))

    def _list(self, folder: str) -> list[str]:
        below: list[str] = []
        names: list[str] = []
        prefix = f"{folder}/" if folder else ""
        try:
            with os.scandir(self.root / folder) as found:
                for item in found:
                    names.append(item.name)
                    self._count(prefix)
                    if item.is_dir(follow_symlinks=False):
                        below += [prefix + item.name] if item.name not in _SKIPPED else []
                    elif entry := _entry(item):
                        self.entries[prefix + item.name] = entry
                    if self.seen > MAX_FILES:
                        break
        except OSError as error:
            if not folder:
                raise NotFound(f"{self.root} cannot be read: {error.strerror}.") from error
            self.notes.append(f"{printable(folder)} cannot be read: {error.strerror}.")
        self.folders[folder] = tuple(sorted(names))
        return below

    def _count(self, where: str) -> None:
        self.seen += 1
        if self.seen % _REPORT_EVERY == 0:
            self.report(Progress("Looking at the tree", self.seen, None, detail=printable(where)))


def _entry(item: os.DirEntry[str]) -> Entry | None:
    try:
        # One call gives kind, size and time; it follows links, so that a link to a device is not a file.
        status = item.stat()
    except OSError:
        return None
    regular = stat.S_ISREG(status.st_mode)
    return Entry(status.st_size, status.st_mtime_ns) if regular else None


def read_bytes(path: Path, limit: int) -> bytes:
    """The first bytes of a regular file; empty if it is not one or cannot be read.

    Args:
        path: The file. Does not block on a pipe or device.
        limit: Maximum number of bytes to read.
    """
    try:
        with opened(path) as file:
            # Requesting more than the file's size would allocate that much memory.
            return file.read(min(limit, os.fstat(file.fileno()).st_size))
    except (OSError, ValueError):
        return b""


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, opened unbuffered; does not block on a pipe or device.

    Raises:
        OSError: It is not a regular file, or cannot be opened.
        ValueError: The name is not a valid file name.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags | getattr(os, "O_NOCTTY", 0))
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        with os.fdopen(number, "rb", buffering=0, closefd=False) as file:
            yield cast("BinaryIO", file)
    finally:
        os.close(number)


def read_text(path: Path, limit: int) -> str:
    """The first bytes of a regular file as text; bytes that are not UTF-8 become surrogates."""
    return read_bytes(path, limit).decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def printable(text: str, limit: int = 300) -> str:
    """Text that is safe for any terminal and JSON: no surrogates, no control characters, cut if long."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    clean = cut.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in clean).strip()
