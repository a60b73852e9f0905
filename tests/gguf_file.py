"""Writes small GGUF files, sound ones and such as no program should write."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

STRING, ARRAY = 8, 9
F32 = 0


class GgufWriter:
    """Bytes of a GGUF file.

    Args:
        metadata: Values by key: int is uint32, float float32, and lists are arrays of the same.
        tensors: Name, shape, type number and bytes; offsets are put in one after the other.
        order: ``<`` or ``>``.
    """

    def __init__(
        self,
        metadata: Mapping[str, object],
        tensors: Sequence[tuple[str, tuple[int, ...], int, bytes]] = (),
        *,
        version: int = 3,
        order: str = "<",
        alignment: int = 32,
    ) -> None:
        self.order = order
        head = [b"GGUF", self.pack("I", version), self.pack("QQ", len(tensors), len(metadata))]
        head += [self.text(key) + self.value(value) for key, value in metadata.items()]
        offset, body = 0, b""
        for name, shape, kind, data in tensors:
            head += [
                self.text(name),
                self.pack("I", len(shape)),
                self.pack("Q" * len(shape), *shape),
            ]
            head += [self.pack("IQ", kind, offset)]
            padded = data + b"\0" * (-len(data) % alignment)
            body += padded
            offset += len(padded)
        start = b"".join(head)
        self.header_size = len(start)
        self.data_start = len(start) + -len(start) % alignment
        self.data = start + b"\0" * (-len(start) % alignment) + body

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path

    def pack(self, codes: str, *values: object) -> bytes:
        return struct.pack(self.order + codes, *values)

    def text(self, value: str) -> bytes:
        raw = value.encode()
        return self.pack("Q", len(raw)) + raw

    def value(self, value: object) -> bytes:
        kind, body = self.typed(value)
        return self.pack("I", kind) + body

    def typed(self, value: object) -> tuple[int, bytes]:
        if isinstance(value, bool):
            return 7, self.pack("?", value)
        if isinstance(value, int):
            return 4, self.pack("I", value)
        if isinstance(value, float):
            return 6, self.pack("f", value)
        if isinstance(value, str):
            return STRING, self.text(value)
        assert isinstance(value, list), "bool, int, float, str or a list of them"
        kinds = [self.typed(item) for item in value]
        count = self.pack("IQ", kinds[0][0] if kinds else 4, len(value))
        return ARRAY, count + b"".join(body for _, body in kinds)


def tiny_gguf(**metadata: object) -> GgufWriter:
    """A sound file of one tensor; keys may be added, with ``__`` for the dot."""
    keys: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "llama.context_length": 128,
        "llama.block_count": 1,
        "general.file_type": 1,
        "tokenizer.ggml.tokens": [f"token{number}" for number in range(300)],
        "tokenizer.ggml.scores": [0.5] * 300,
    }
    keys |= {key.replace("__", "."): value for key, value in metadata.items()}
    return GgufWriter(keys, [("weight", (4, 2), F32, b"\1" * 32), ("bias", (3,), F32, b"\2" * 12)])
