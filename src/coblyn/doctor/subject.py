"""Detects the kind of a path given to the doctor, by its first bytes and its content, never by its name alone."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING

from coblyn.errors import BadRequest, NotFound
from coblyn.native import receipt
from coblyn.native.binary.read import looks_binary

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Subject", "classify", "is_engine"]

_LIBRARIES = (".so", ".dylib", ".dll")


class Subject(StrEnum):
    """The kinds of paths that the doctor can examine."""

    LOG = "log"
    TREE = "tree"
    BINARY = "binary"
    BUNDLE = "bundle"


def classify(path: Path) -> Subject:
    """Detect the kind of a path.

    Raises:
        NotFound: It does not exist.
        BadRequest: It is neither a file nor a directory, or cannot be read.
    """
    try:
        if path.is_dir():
            return Subject.BUNDLE if _is_bundle(path) else Subject.TREE
        if not path.exists():
            raise NotFound(f"There is no file or directory {path}.")
        if not path.is_file() and not path.is_fifo():
            raise BadRequest(f"{path} is not an ordinary file.")
        return Subject.BINARY if path.is_file() and looks_binary(path) else Subject.LOG
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error


def is_engine(path: Path) -> bool:
    """Whether a directory is a bundle built by Coblyn, with its receipt."""
    return (path / receipt.FILE_NAME).is_file()


def _is_bundle(path: Path) -> bool:
    """Whether a directory is one of our bundles, or contains only libraries and their accompanying files."""
    if is_engine(path):
        return True
    names = [entry.name for entry in os.scandir(path) if entry.is_file()]
    libraries = [name for name in names if name.endswith(_LIBRARIES) or ".so." in name]
    return bool(libraries) and 2 * len(libraries) > len(names)
