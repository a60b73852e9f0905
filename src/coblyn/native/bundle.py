"""The installed bundles: which one is in use, and how to change that.

A bundle is a directory that is either complete or absent, and never changes. It was built here, or came
as a Python package. Does not know how it was built, or how it is loaded.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.errors import BundleMissing, NativeError
from coblyn.files import write_whole
from coblyn.native.packaged import distribution_of, package_folders
from coblyn.native.receipt import Receipt, read_receipt

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "Bundle",
    "current",
    "current_id",
    "find",
    "installed",
    "open_bundle",
    "packaged",
    "remove",
    "use",
]


@dataclass(frozen=True, slots=True)
class Bundle:
    """An installed engine.

    Attributes:
        path: Its directory.
        receipt: Facts about it.
    """

    path: Path
    receipt: Receipt

    @property
    def id(self) -> str:
        """Its name: the backend and 12 hex digits of the hash of all its inputs."""
        return self.receipt.id

    @property
    def lib_dir(self) -> Path:
        """Directory of its libraries."""
        return self.path / "lib"

    @property
    def distribution(self) -> str:
        """Name of the Python package that it came as; empty if it was built here."""
        return distribution_of(self.path)

    @property
    def repair(self) -> str:
        """The command that repairs it."""
        package = self.distribution
        return f"pip install --force-reinstall {package}" if package else "coblyn build --force"

    @property
    def size(self) -> int:
        """Total size of its libraries in bytes."""
        return sum(library.size for library in self.receipt.libraries)

    def is_complete(self) -> bool:
        """Whether all files exist with their original size."""
        return all(
            _size(self.lib_dir / library.name) == library.size for library in self.receipt.libraries
        )


def installed() -> list[Bundle]:
    """All bundles: those built here, newest first, then those of packages; unreadable ones are left out."""
    root = paths.bundles()
    folders = [path for path in root.iterdir() if _is_bundle(path)] if root.is_dir() else []
    built = sorted(_readable(folders), key=lambda bundle: bundle.receipt.created, reverse=True)
    ids = {bundle.id for bundle in built}
    return [*built, *(bundle for bundle in packaged() if bundle.id not in ids)]


def packaged() -> list[Bundle]:
    """The bundles that came as Python packages, in order of preference."""
    return _readable(package_folders())


def _readable(folders: Iterable[Path]) -> list[Bundle]:
    found = []
    for folder in folders:
        try:
            found.append(open_bundle(folder))
        except NativeError:
            continue
    return found


def open_bundle(directory: Path) -> Bundle:
    """The bundle in a directory.

    Raises:
        NativeError: It has no readable receipt.
    """
    return Bundle(directory, read_receipt(directory))


def current() -> Bundle:
    """The bundle in use.

    Raises:
        BundleMissing: None is in use, or it is missing or damaged.
    """
    name = current_id()
    if not name:
        hint = "coblyn build" if not installed() else "coblyn build, or coblyn build --use ID"
        raise BundleMissing("The native engine has not been built yet.", hint=hint)
    path = _path_of(name)
    if path is None:
        raise BundleMissing(f"The engine in use, {name}, is gone.", hint="coblyn build")
    try:
        bundle = open_bundle(path)
    except NativeError as error:
        raise BundleMissing(
            f"The engine in use, {name}, is damaged, or was built by another version of Coblyn.",
            hint="coblyn build",
        ) from error
    if not bundle.is_complete():
        raise BundleMissing(f"The engine in use, {name}, is damaged.", hint=bundle.repair)
    return bundle


def current_id() -> str:
    """Id of the bundle in use, whether it exists or not; empty if none was chosen."""
    try:
        return (paths.bundles() / "current").read_text("utf-8").strip()
    except OSError:
        return ""


def find(name: str) -> Bundle:
    """The bundle with that id, or the only one whose id begins with it.

    Raises:
        BundleMissing: There is none, or more than one.
    """
    bundles = installed()
    found = [bundle for bundle in bundles if bundle.id == name] or [
        bundle for bundle in bundles if name and bundle.id.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(bundle.id for bundle in found or bundles) or "none"
    if found:
        raise BundleMissing(f'"{name}" could be any of {ids}.', hint="Write more of the id.")
    raise BundleMissing(f'There is no bundle "{name}".', hint=f"Installed: {ids}")


def use(name: str) -> Bundle:
    """Take a bundle into use.

    Raises:
        BundleMissing: No id equals or begins with the given one, or more than one does.
    """
    bundle = find(name)
    mark = paths.bundles() / "current"
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_whole(mark, bundle.id + "\n")
    return bundle


def remove(name: str) -> Bundle:
    """Delete a bundle and its measurements; if it was in use, no bundle is in use afterwards.

    Raises:
        BundleMissing: No id equals or begins with the given one, or more than one does.
        NativeError: It belongs to a package, or cannot be deleted, for example because an engine runs from it
            (Windows).
    """
    bundle = find(name)
    if bundle.distribution:
        raise NativeError(
            f"{bundle.id} belongs to the Python package {bundle.distribution}.",
            hint=f"pip uninstall {bundle.distribution}",
        )
    trash = bundle.path.with_name(f".old-{bundle.id}-{os.getpid()}")
    try:
        bundle.path.rename(trash)
    except OSError as error:
        raise NativeError(
            f"{bundle.path} cannot be deleted: {error.strerror}.",
            hint="Stop the engines that run from it.",
        ) from error
    if current_id() == bundle.id:
        (paths.bundles() / "current").unlink(missing_ok=True)
    shutil.rmtree(trash, ignore_errors=True)
    for folder in (paths.tunings(), paths.proofs()):
        (folder / f"{bundle.id}.json").unlink(missing_ok=True)
    return bundle


def _path_of(name: str) -> Path | None:
    """Directory of a bundle by its id, even if it is damaged; None if there is none."""
    path = paths.bundles() / name
    if _is_bundle(path):
        return path
    return next((bundle.path for bundle in packaged() if bundle.id == name), None)


def _is_bundle(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
