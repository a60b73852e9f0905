"""Writes a small GGUF file. Format: ``gguf.h`` of llama.cpp, version 3."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Stored", "Value", "write_gguf"]

Value = int | float | bool | str
"""A metadata value: integers become uint32, other numbers float32."""

_ALIGNMENT = 32
_UINT32, _FLOAT32, _BOOL, _STRING = 4, 6, 7, 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file.

    Attributes:
        kind: Number of its type (``ggml_type``).
        shape: In numpy's order; a file has it in the reverse order.
        data: Its bytes.
    """

    kind: int
    shape: tuple[int, ...]
    data: bytes


def write_gguf(path: Path, metadata: Mapping[str, Value], tensors: Mapping[str, Stored]) -> None:
    """Write a file of metadata and tensors.

    Raises:
        OSError: The file cannot be written.
    """
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    head += [_text(key) + _value(value) for key, value in metadata.items()]
    body = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]
        place = struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, tensor.kind, len(body))
        head.append(_text(name) + place)
        body += _padded(tensor.data)
    path.write_bytes(_padded(b"".join(head)) + body)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT32, value)
    return struct.pack("<I", _STRING) + _text(value)
