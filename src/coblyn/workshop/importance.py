"""Importance matrices: how much the inputs of each weight matrix are used. Pure, except for reading and writing files.

The format is that of llama.cpp's ``llama-imatrix``: a GGUF file with the tensors ``NAME.in_sum2`` and ``NAME.counts``,
or the older one, in which each entry has a count of chunks.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import ModelBroken, ModelNotFound
from coblyn.models.gguf import GgufHeader, Tensor, read_header
from coblyn.models.gguf_writer import NewTensor, text, texts, uint32, write_gguf

__all__ = ["Importance", "Sums", "read_importance", "write_importance"]

_SUMS, _COUNTS = ".in_sum2", ".counts"
_MAX_ENTRIES, _MAX_NAME, _MAX_VALUES = 2**20, 2**10, 2**28


@dataclass(slots=True)
class Sums:
    """Sums over the inputs of a weight matrix, or of several of the same shape (experts).

    Attributes:
        squares: float32 of shape (matrices, inputs): sums of the squares of each input.
        counts: float32 of shape (matrices or 1,): number of rows summed.
    """

    squares: NDArray[np.float32]
    counts: NDArray[np.float32]

    def means(self) -> NDArray[np.float32]:
        """Mean squares, as one row; 1 for each input of a matrix that received no rows."""
        counts = np.broadcast_to(self.counts[:, None], self.squares.shape)
        means = np.ones_like(self.squares)
        np.divide(self.squares, counts, out=means, where=counts > 0)
        return np.ascontiguousarray(means.reshape(-1), np.float32)


@dataclass(slots=True)
class Importance:
    """An importance matrix.

    Attributes:
        sums: Sums by tensor name.
        texts: Names of the texts that were read.
        num_chunks: Number of chunks of the texts that were read.
        chunk_size: Tokens per chunk; 0 in files of the older format.
    """

    sums: dict[str, Sums] = field(default_factory=dict)
    texts: Sequence[str] = ()
    num_chunks: int = 0
    chunk_size: int = 0

    def means(self) -> dict[str, NDArray[np.float32]]:
        """Mean squares of each tensor."""
        return {name: each.means() for name, each in self.sums.items()}


def read_importance(path: Path) -> Importance:
    """Read a file of either format.

    Raises:
        ModelNotFound: It does not exist.
        ModelBroken: It is not an importance matrix, or is damaged.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) == b"GGUF":
                return _read_gguf(read_header(path), file)
            file.seek(0)
            return _read_older(path, file)
    except FileNotFoundError as error:
        raise ModelNotFound(
            f"There is no importance matrix {path}.",
            hint="`coblyn imatrix MODEL TEXT --out FILE` makes one.",
        ) from error
    except OSError as error:
        raise ModelBroken(f"{path} cannot be read: {error.strerror or error}.") from error


def write_importance(file: BinaryIO, importance: Importance) -> None:
    """Write the GGUF format, tensors by name."""
    entries = {
        "general.type": text("imatrix"),
        "imatrix.datasets": texts(importance.texts),
        "imatrix.chunk_count": uint32(importance.num_chunks),
        "imatrix.chunk_size": uint32(importance.chunk_size),
    }
    tensors, contents = [], []
    for name, sums in sorted(importance.sums.items()):
        for end, values in ((_SUMS, sums.squares), (_COUNTS, sums.counts[:, None])):
            data = np.ascontiguousarray(values, "<f4").tobytes()
            tensors.append(NewTensor(name + end, values.shape[::-1], "F32", len(data)))
            contents.append([data])
    write_gguf(file, entries, tensors, contents)


def _read_gguf(header: GgufHeader, file: BinaryIO) -> Importance:
    tensors = {tensor.name: tensor for tensor in header.tensors}
    names = [name.removesuffix(_SUMS) for name in tensors if name.endswith(_SUMS)]
    if not names:
        raise _none(header.path)
    found = {}
    for name in names:
        counts = tensors.get(name + _COUNTS)
        if counts is None:
            raise ModelBroken(f"{header.path} has sums of {name}, and no counts.")
        found[name] = _sums(
            header,
            _values(header, file, tensors[name + _SUMS]),
            _values(header, file, counts),
            name,
        )
    return Importance(
        found,
        num_chunks=_number(header.metadata, "imatrix.chunk_count"),
        chunk_size=_number(header.metadata, "imatrix.chunk_size"),
    )


def _sums(
    header: GgufHeader, squares: NDArray[np.float32], counts: NDArray[np.float32], name: str
) -> Sums:
    if not counts.size or squares.size % counts.size:
        raise ModelBroken(
            f"{header.path} has {squares.size} sums and {counts.size} counts of {name}."
        )
    if not (np.isfinite(squares).all() and np.isfinite(counts).all()):
        raise ModelBroken(f"{header.path} has sums of {name} that are not numbers.")
    return Sums(squares.reshape(counts.size, -1), counts)


def _values(header: GgufHeader, file: BinaryIO, tensor: Tensor) -> NDArray[np.float32]:
    if tensor.type != "F32":
        raise ModelBroken(f"{header.path}: {tensor.name} has the type {tensor.type}, not F32.")
    file.seek(tensor.offset)
    order = ">" if header.is_big_endian else "<"
    return np.frombuffer(file.read(tensor.size), f"{order}f4").astype(np.float32)


def _number(metadata: Mapping[str, object], key: str) -> int:
    value = metadata.get(key, 0)
    return value if isinstance(value, int) else 0


def _read_older(path: Path, file: BinaryIO) -> Importance:
    """Entries of a name, a count of chunks and sums that were divided so that the count fits them."""
    try:
        (num_entries,) = struct.unpack("<i", file.read(4))
        if not 0 < num_entries <= _MAX_ENTRIES:
            raise _none(path)
        sums = dict(_older_entry(path, file) for _ in range(num_entries))
        tail = file.read(4)
    except (struct.error, UnicodeDecodeError) as error:
        raise _none(path) from error
    chunks = struct.unpack("<i", tail)[0] if len(tail) == 4 else 0
    return Importance(sums, num_chunks=chunks)


def _older_entry(path: Path, file: BinaryIO) -> tuple[str, Sums]:
    (length,) = struct.unpack("<i", file.read(4))
    if not 0 < length <= _MAX_NAME:
        raise _none(path)
    name = file.read(length).decode()
    count, num_values = struct.unpack("<ii", file.read(8))
    if not 0 < num_values <= _MAX_VALUES:
        raise _none(path)
    raw = file.read(4 * num_values)
    if len(raw) < 4 * num_values:
        raise _none(path)
    values = np.frombuffer(raw, "<f4").astype(np.float32)
    return name, Sums(values[None], np.array([max(count, 1)], np.float32))


def _none(path: Path) -> ModelBroken:
    return ModelBroken(
        f"{path} is not an importance matrix, or is damaged.",
        hint="`coblyn imatrix MODEL TEXT --out FILE` makes one.",
    )
