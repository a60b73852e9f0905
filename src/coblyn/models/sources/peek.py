"""What a model that is elsewhere says of itself: its headers are fetched, and none of its weights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from coblyn import paths
from coblyn.errors import FetchError, ModelBroken
from coblyn.fetch.beginning import open_beginning
from coblyn.fetch.network import Network
from coblyn.files import disk_errors
from coblyn.models.gguf import GgufHeader, read_header
from coblyn.models.sources.offer import Variant
from coblyn.models.sources.take import RemoteFile

__all__ = ["peeked", "without_place"]

_PREFIX = "peek-"
_FIRST = 2**18
"""Bytes after which it is tried to read a header; each further try has twice as many."""

_MOST = 2**26
"""No header is longer: the vocabularies of the largest models take 16 MB."""


@contextmanager
def peeked(variant: Variant, network: Network | None = None) -> Iterator[tuple[GgufHeader, ...]]:
    """The headers of a model's files, in files of the right names and sizes whose weights are holes.

    Where the file system has no holes, as on Windows, that would take as much room as the model.

    Args:
        variant: What is looked at; the sizes of its files are known.
        network: How to reach the server.

    Raises:
        FetchError: They cannot be fetched.
        ModelError: They are no sound headers.
        DiskFull: There is no room for them.
    """
    folder = paths.cache()
    with disk_errors(folder, what=f"Looking at {variant.files[0].name}", error=FetchError):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=_PREFIX, dir=folder) as place:
            yield tuple(_peek(file, Path(place), network or Network()) for file in variant.files)


def without_place(words: str) -> str:
    """An error's words, which name the file that was looked at, without the directory that is gone by now."""
    place = f"{paths.cache()}{os.sep}{_PREFIX}"
    return re.sub(rf"{re.escape(place)}[^\s/\\]*[/\\]", "", words)


def _peek(file: RemoteFile, folder: Path, network: Network) -> GgufHeader:
    path, wanted = folder / file.name.rpartition("/")[2], _FIRST
    with path.open("wb") as part, open_beginning(file.url, file.headers, network) as blocks:
        for block in blocks:
            part.write(block)
            if wanted <= part.tell() < _MOST:
                wanted = 2 * part.tell()
                if header := _whole_header(part, path, file.size or 0):
                    return header
            elif part.tell() >= _MOST:
                break
        if header := _whole_header(part, path, file.size or 0):
            return header
        part.truncate(part.tell())  # what is wrong is said of what has come
    return read_header(path)


def _whole_header(part: BinaryIO, path: Path, size: int) -> GgufHeader | None:
    """The header of a file of which only the beginning is there; None if it ends behind that."""
    part.flush()
    num_there = part.tell()
    part.truncate(max(num_there, size))
    try:
        header = read_header(path)
    except ModelBroken:
        return None
    end = header.tensors[0].offset if header.tensors else size
    return header if end <= num_there else None
