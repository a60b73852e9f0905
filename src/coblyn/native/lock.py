"""The pinned llama.cpp of ``llama.lock.toml``: the source to build, and where to fetch it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Archive", "Converter", "Lock", "PackageFile", "load_lock"]


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A source distribution on the Python package index that contains the tree.

    Attributes:
        project: Name of the project on the index.
        filename: Name of the file.
        sha256: Hex digest of the file.
        size: Bytes.
        prefix: Folder inside the archive that is the root of llama.cpp, with a slash at the end.
    """

    project: str
    filename: str
    sha256: str
    size: int
    prefix: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of the commit that upstream's host generates.

    It has no checksum: that host does not promise the same bytes forever. The tree digest is the
    check.
    """

    url: str
    filename: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Converter:
    """Upstream's converter of models, which is not part of the build.

    Attributes:
        digest: Tree digest of its parts.
        parts: Files and folders of the tree.
    """

    digest: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """The pin.

    Attributes:
        version: Release of llama.cpp.
        commit: Upstream commit, 40 hex digits.
        digest: Tree digest of the parts that we build from, see `coblyn.native.source.tree_digest`.
        parts: Files and folders of the tree that we build from.
        package: First source.
        archive: Second source.
        converter: The converter of models, an optional part of the source.
    """

    version: str
    commit: str
    digest: str
    parts: tuple[str, ...]
    package: PackageFile
    archive: Archive
    converter: Converter


@cache
def load_lock() -> Lock:
    """Read the lock file that ships with this package."""
    text = resources.files("coblyn.native").joinpath("llama.lock.toml").read_text("utf-8")
    raw = tomllib.loads(text)
    return Lock(
        version=raw["version"],
        commit=raw["commit"],
        digest=raw["digest"],
        parts=tuple(raw["parts"]),
        package=PackageFile(**raw["package"]),
        archive=Archive(**raw["archive"]),
        converter=Converter(raw["converter"]["digest"], tuple(raw["converter"]["parts"])),
    )
