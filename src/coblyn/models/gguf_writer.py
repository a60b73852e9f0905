"""Writes a GGUF file sequentially, without holding its tensors in memory. Format: ``gguf.h`` of llama.cpp."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from coblyn.models.quantization import TENSOR_TYPES

__all__ = [
    "ALIGNMENT",
    "NewTensor",
    "int32",
    "padded_size",
    "text",
    "texts",
    "uint16",
    "uint32",
    "write_gguf",
]

ALIGNMENT = 32
"""Default alignment of tensors in bytes."""

_UINT16, _UINT32, _INT32, _STRING, _ARRAY = 2, 4, 5, 8, 9
_NUMBERS = {block.name: number for number, block in TENSOR_TYPES.items()}


@dataclass(frozen=True, slots=True)
class NewTensor:
    """A tensor to write.

    Attributes:
        name: Its name.
        shape: Size of each dimension, fastest first.
        type: Name of its type, such as ``Q4_K``.
        size: Size in bytes.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    size: int


def write_gguf(
    file: BinaryIO,
    entries: Mapping[str, bytes],
    tensors: Sequence[NewTensor],
    contents: Iterable[Iterable[bytes]],
    *,
    alignment: int = ALIGNMENT,
) -> None:
    """Write a little-endian file of version 3.

    Args:
        file: Open for writing, at its beginning.
        entries: The metadata: keys, and values as encoded by ``text`` and the other functions here.
        tensors: The tensors, in order.
        contents: The bytes of each tensor, in pieces.
        alignment: Alignment of tensors in bytes; must equal ``general.alignment`` if the metadata has it.

    Raises:
        OSError: It cannot be written.
    """
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(entries))]
    head += [_string(key) + value for key, value in entries.items()]
    offset = 0
    for tensor in tensors:
        head.append(_string(tensor.name) + struct.pack("<I", len(tensor.shape)))
        head.append(struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape))
        head.append(struct.pack("<IQ", _NUMBERS[tensor.type], offset))
        offset += padded_size(tensor.size, alignment)
    start = b"".join(head)
    file.write(start + bytes(-len(start) % alignment))
    for tensor, pieces in zip(tensors, contents, strict=True):
        written = sum(file.write(piece) for piece in pieces)
        assert written == tensor.size, "a tensor has as many bytes as was said"
        file.write(bytes(-written % alignment))


def padded_size(size: int, alignment: int = ALIGNMENT) -> int:
    """Size of a tensor including its padding, in bytes."""
    return size + -size % alignment


def uint16(value: int) -> bytes:
    """Encode a value of this type."""
    return struct.pack("<IH", _UINT16, value)


def uint32(value: int) -> bytes:
    """Encode a value of this type."""
    return struct.pack("<II", _UINT32, value)


def int32(value: int) -> bytes:
    """Encode a value of this type."""
    return struct.pack("<Ii", _INT32, value)


def text(value: str) -> bytes:
    """Encode a text."""
    return struct.pack("<I", _STRING) + _string(value)


def texts(values: Sequence[str]) -> bytes:
    """Encode a list of texts."""
    return struct.pack("<IIQ", _ARRAY, _STRING, len(values)) + b"".join(map(_string, values))


def _string(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw
