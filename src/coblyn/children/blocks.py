"""The protocol between a server and its children: blocks of bytes preceded by their lengths."""

from __future__ import annotations

import struct
from typing import IO

__all__ = ["read_block", "write_block"]

_LENGTH = struct.Struct(">Q")


def read_block(stream: IO[bytes]) -> bytes | None:
    """The next block; None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def write_block(stream: IO[bytes], body: bytes) -> None:
    """Send a block and flush."""
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()
