"""Reads the header of a GGUF file in milliseconds and checks it against the file's size.

The engine reads the file itself; this gives clear errors before it does. The ``gguf`` package's reader is not used
because it makes an object for every token: it takes 3.7 s for SmolLM2 and 18.9 s for Gemma 3 (262 144 tokens), and this
0.03 s and 0.08 s. Format: ``gguf.h`` of llama.cpp.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from coblyn.errors import ModelBroken, ModelNotFound, ModelUnsupported
from coblyn.files import human_size
from coblyn.models.formats import describe_file
from coblyn.models.quantization import FILE_TYPES, TENSOR_TYPES

__all__ = [
    "GgufHeader",
    "Tensor",
    "Value",
    "read_entries",
    "read_header",
    "read_lists",
    "repeated_token",
]

R = TypeVar("R", bound="_Reader")

Value = int | float | bool | str
"""A metadata value; arrays are left out."""

_MAX_ENTRIES = 2**20
_MAX_ARRAY = 2**24
_MAX_STRING = 2**24
_MAX_HEADER = 2**27
_MAX_NAME = 64
_MAX_DIMENSIONS = 4
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_ELEMENTS = {
    "key 'tokenizer.ggml.tokens'": (_STRING,),
    "key 'tokenizer.ggml.merges'": (_STRING,),
    "key 'tokenizer.ggml.scores'": (5, 6),
    "key 'tokenizer.ggml.token_type'": (5,),
}
"""Types of the elements that the engine takes in these lists (``llama-vocab.cpp``)."""

_SETTLED_NS = 2 * 10**9
"""How long ago a file must have changed: within a tick of its clock another change would leave no trace."""

_AGAIN = "Download it again; `coblyn pull` resumes and checks."


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor.

    Attributes:
        name: Its name.
        shape: Size of each dimension, fastest first.
        type: Name of its type, such as ``Q4_K``.
        offset: Offset of its first byte in the file.
        size: Bytes.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The header of a GGUF file.

    Attributes:
        path: The file.
        size: Its size in bytes.
        version: Version of the format, 2 or 3.
        is_big_endian: Byte order of all numbers in it.
        metadata: Values by key; arrays are left out.
        tensors: In the file's order.
    """

    path: Path
    size: int
    version: int
    is_big_endian: bool
    metadata: Mapping[str, Value] = field(repr=False)
    tensors: tuple[Tensor, ...] = field(repr=False)

    @property
    def architecture(self) -> str:
        """Such as ``llama``; empty if the file does not say."""
        return self._text("general.architecture")

    @property
    def name(self) -> str:
        """The model's name as given by its maker, or empty."""
        return self._text("general.name")

    @property
    def kind(self) -> str:
        """``model``, ``adapter``, ``mmproj`` or another value of ``general.type``."""
        return self._text("general.type") or "model"

    @property
    def context_length(self) -> int:
        """Context length it was trained with, in tokens, or 0."""
        return self._number(f"{self.architecture}.context_length")

    @property
    def block_count(self) -> int:
        """Number of layers, or 0."""
        return self._number(f"{self.architecture}.block_count")

    @property
    def num_parameters(self) -> int:
        """Number of weights in all tensors."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors)

    @property
    def quantization(self) -> str:
        """Such as ``Q4_K_M``: from the metadata, otherwise the type of most bytes."""
        named = FILE_TYPES.get(self._number("general.file_type", -1))
        if named:
            return named
        sizes: dict[str, int] = {}
        for tensor in self.tensors:
            sizes[tensor.type] = sizes.get(tensor.type, 0) + tensor.size
        return max(sizes, key=lambda kind: sizes[kind]) if sizes else ""

    @property
    def num_splits(self) -> int:
        """Number of files that the model is split into; 1 if it is not split."""
        return max(1, self._number("split.count"))

    def _text(self, key: str) -> str:
        value = self.metadata.get(key, "")
        return value if isinstance(value, str) else ""

    def _number(self, key: str, default: int = 0) -> int:
        value = self.metadata.get(key, default)
        return value if isinstance(value, int) else default


def read_header(path: Path) -> GgufHeader:
    """Read and check the header of one GGUF file.

    Raises:
        ModelNotFound: There is no such file, or it is a directory.
        ModelBroken: It is not a GGUF file, is cut short or contradicts itself; the message says where.
        ModelUnsupported: The version of the format is not supported.
    """
    try:
        found = path.stat()
    except OSError:  # said in words where it is read
        return _read(path, _Reader)[1]
    if time.time_ns() - found.st_mtime_ns < _SETTLED_NS:
        return _read(path, _Reader)[1]
    return _remembered(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=64)
def _remembered(path: Path, stamp: tuple[int, ...]) -> GgufHeader:  # noqa: ARG001 - part of the key
    """The header of a file that has not changed for a while: a start asks for it several times."""
    return _read(path, _Reader)[1]


def repeated_token(path: Path) -> str | None:
    """A token text that occurs more than once in the vocabulary; None if there is none. Takes a tenth of a second.

    Raises:
        ModelError: See ``read_header``.
    """
    reader, _ = _read(path, _TokenReader)
    return reader.repeated


def read_entries(path: Path) -> dict[str, bytes]:
    """All metadata of a little-endian file by key, as raw values: the type's number, then the content.

    Raises:
        ModelError: See ``read_header``.
    """
    reader, _ = _read(path, _EntryReader)
    return reader.entries


def read_lists(path: Path) -> tuple[GgufHeader, Mapping[str, list[Value]]]:
    """Read the header, and the tokenizer's lists by key. Takes a second for a large vocabulary.

    Raises:
        ModelError: See ``read_header``.
    """
    reader, header = _read(path, _ListReader)
    return header, reader.lists


def _read(path: Path, kind: type[R]) -> tuple[R, GgufHeader]:
    if path.is_dir():
        raise ModelNotFound(f"{path} is a directory, not a GGUF file.", hint="Name the file in it.")
    try:
        with path.open("rb") as file:
            reader = kind(path, file, path.stat().st_size)
            return reader, reader.read()
    except FileNotFoundError as problem:
        raise ModelNotFound(
            f"There is no model file {path}.", hint="`coblyn models` lists those that are here."
        ) from problem
    except OSError as problem:
        raise ModelBroken(f"{path} cannot be read: {problem.strerror or problem}.") from problem


class _Reader:
    """A cursor over the header, which is loaded from the file as needed."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path, self._file, self._size = path, file, size
        self._data = bytearray()
        self._pos = 0
        self._order = "<"
        self._where = "its header"

    def read(self) -> GgufHeader:
        self._check_magic()
        version = self._read_version()
        num_tensors, num_keys = self._scalar("Q"), self._scalar("Q")
        for what, count in (("tensors", num_tensors), ("keys", num_keys)):
            if count > _MAX_ENTRIES:
                raise self._broken(f"says that it has {count} {what}")
        metadata: dict[str, Value] = {}
        for number in range(num_keys):
            self._read_entry(number, metadata)
        tensors = self._place(
            metadata, [self._read_tensor(number) for number in range(num_tensors)]
        )
        is_big_endian = self._order == ">"
        return GgufHeader(self._path, self._size, version, is_big_endian, metadata, tensors)

    def _check_magic(self) -> None:
        if self._size >= 4:
            self._load(4)
        if self._data[:4] == b"GGUF":
            return
        what, hint = describe_file(self._path)
        but = "." if not what else f": it is {what}."
        raise ModelBroken(f"{self._path} is not a GGUF file{but}", hint=hint)

    def _read_version(self) -> int:
        self._pos = 4
        self._load(8)
        little = int.from_bytes(self._data[4:8], "little")
        # In a file of the other byte order the small version number appears in the upper half.
        self._order = ">" if little & 0xFFFF == 0 else "<"
        version: int = self._scalar("I")
        if version in (2, 3):
            return version
        if version == 1:
            raise ModelUnsupported(
                f"{self._path} has version 1 of the GGUF format, which is no longer read.",
                hint="Download a newer conversion of the model.",
            )
        if 3 < version < 100:
            raise ModelUnsupported(
                f"{self._path} has version {version} of the GGUF format; only 2 and 3 are read.",
                hint="Update Coblyn.",
            )
        raise self._broken(f"has the impossible format version {version}")

    def _read_entry(self, number: int, metadata: dict[str, Value]) -> None:
        self._where = f"the name of key {number}"
        key = self._text(_MAX_STRING)
        self._where = f"key {key!r}"
        if not key or key in metadata:
            raise self._broken("is there twice" if key else "is empty")
        kind = self._scalar("I")
        if kind == _ARRAY:
            self._skip_array()
        elif kind == _STRING:
            metadata[key] = self._text(_MAX_STRING)
        elif kind in _SCALARS:
            metadata[key] = self._scalar(_SCALARS[kind])
        else:
            raise self._broken(f"has the unknown type {kind}")

    def _skip_array(self) -> None:
        kind, count = self._scalar("I"), self._scalar("Q")
        if count > _MAX_ARRAY:
            raise self._broken(f"says that it has {count} elements")
        if kind not in _ELEMENTS.get(self._where, (kind,)):
            raise self._broken(f"has elements of type {kind}, which the engine does not take there")
        if kind in _SCALARS:
            self._pos += count * struct.calcsize("<" + _SCALARS[kind])
            self._load(self._pos)
        elif kind == _STRING:
            self._skip_strings(count)
        else:
            raise self._broken(f"has elements of the unknown type {kind}")

    def _skip_strings(self, count: int) -> None:
        """The hot loop: a vocabulary has up to 300 000 strings."""
        length_at = struct.Struct(self._order + "Q").unpack_from
        data, pos, left = self._data, self._pos, count
        while left:
            try:
                while left:
                    pos += 8 + length_at(data, pos)[0]
                    left -= 1
            except (struct.error, OverflowError):  # the next length is not loaded yet
                self._load(pos + 8)
        self._pos = pos
        self._load(pos)

    def _read_tensor(self, number: int) -> tuple[str, tuple[int, ...], int, int]:
        """Name, shape, type and offset in the data section."""
        self._where = f"the name of tensor {number}"
        name = self._text(_MAX_NAME)
        self._where = f"tensor {name!r}"
        num_dimensions = self._scalar("I")
        if num_dimensions > _MAX_DIMENSIONS:
            raise self._broken(f"has {num_dimensions} dimensions")
        shape = tuple(self._scalar("Q") for _ in range(num_dimensions))
        if 0 in shape:
            raise self._broken(f"has no elements: its shape is {shape}")
        if math.prod(shape) >= 2**63:
            raise self._broken(f"has the impossible shape {shape}")
        return name, shape, self._scalar("I"), self._scalar("Q")

    def _place(
        self, metadata: Mapping[str, Value], found: list[tuple[str, tuple[int, ...], int, int]]
    ) -> tuple[Tensor, ...]:
        """Check that the tensors are consecutive and inside the file."""
        alignment = metadata.get("general.alignment", 32)
        self._where = "key 'general.alignment'"
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise self._broken(f"is {alignment!r}, no power of two")
        start = end = -(-self._pos // alignment) * alignment
        tensors, names = [], set()
        for name, shape, kind, offset in found:
            self._where = f"tensor {name!r}"
            size = self._tensor_size(shape, kind)
            if name in names:
                raise self._broken("is there twice")
            if start + offset != end:
                raise self._broken(f"lies at byte {start + offset} instead of {end}")
            names.add(name)
            tensors.append(Tensor(name, shape, TENSOR_TYPES[kind].name, end, size))
            end += -(-size // alignment) * alignment
        # The last tensor's padding may be missing.
        last = tensors[-1].offset + tensors[-1].size if tensors else 0
        if last > self._size:
            raise self._cut(last)
        return tuple(tensors)

    def _tensor_size(self, shape: tuple[int, ...], kind: int) -> int:
        if kind not in TENSOR_TYPES:
            raise ModelUnsupported(
                f"{self._path}: {self._where} has the unknown type {kind}.",
                hint="Download a newer conversion of the model, or update Coblyn.",
            )
        block = TENSOR_TYPES[kind]
        row = shape[0] if shape else 1
        if row % block.elements:
            raise self._broken(f"has rows of {row} elements, no multiple of {block.elements}")
        return math.prod(shape) // block.elements * block.size

    def _scalar(self, code: str) -> Any:
        """Read one number; ``code`` is its type's letter in the ``struct`` module."""
        size = struct.calcsize("<" + code)
        self._load(self._pos + size)
        (value,) = struct.unpack_from(self._order + code, self._data, self._pos)
        self._pos += size
        return value

    def _text(self, limit: int) -> str:
        length = self._scalar("Q")
        if length > limit:
            raise self._broken(f"is a text of {length} bytes")
        self._load(self._pos + length)
        raw = self._data[self._pos : self._pos + length]
        self._pos += length
        return raw.decode("utf-8", errors="replace")

    def _load(self, end: int) -> None:
        """Load the bytes up to ``end``."""
        if end <= len(self._data):
            return
        if end > self._size:
            raise self._cut(None)
        if end > _MAX_HEADER:
            raise self._broken(f"ends at byte {end}: no header is that long")
        wanted = min(self._size, max(end, 2 * len(self._data), 2**20))
        self._data += self._file.read(wanted - len(self._data))
        if len(self._data) < end:  # the file shrank while it was read
            raise self._cut(None)

    def _broken(self, what: str) -> ModelBroken:
        return ModelBroken(
            f"{self._path} is damaged: {self._where} (before byte {self._pos}) {what}.", hint=_AGAIN
        )

    def _cut(self, needed: int | None) -> ModelBroken:
        if needed is None:
            where = f"it ends after {self._size} bytes, in {self._where}"
        else:
            missing = needed - self._size
            where = f"{missing} of {needed} bytes ({human_size(missing)}) are missing"
        return ModelBroken(f"{self._path} is cut short: {where}.", hint=_AGAIN)


class _ListReader(_Reader):
    """A reader that keeps the tokenizer's lists."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        super().__init__(path, file, size)
        self.lists: dict[str, list[Value]] = {}

    def _skip_array(self) -> None:
        start = self._pos
        kind, count = self._scalar("I"), self._scalar("Q")
        end_of_head, self._pos = self._pos, start
        super()._skip_array()
        name = self._where.removeprefix("key ").strip("'")
        if not name.startswith("tokenizer."):
            return
        end, self._pos = self._pos, end_of_head
        self.lists[name] = [self._item(kind) for _ in range(count)]
        self._pos = end

    def _item(self, kind: int) -> Value:
        value: Value = self._text(_MAX_STRING) if kind == _STRING else self._scalar(_SCALARS[kind])
        return value


class _TokenReader(_Reader):
    """A reader that checks the vocabulary."""

    repeated: str | None = None

    def _skip_strings(self, count: int) -> None:
        if self._where != "key 'tokenizer.ggml.tokens'":
            super()._skip_strings(count)
            return
        seen: set[str] = set()
        for _ in range(count):
            token = self._text(_MAX_STRING)
            if token and token in seen:
                self.repeated = token
            seen.add(token)


class _EntryReader(_Reader):
    """A reader that keeps the raw metadata."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        super().__init__(path, file, size)
        self.entries: dict[str, bytes] = {}

    def _read_entry(self, number: int, metadata: dict[str, Value]) -> None:
        start = self._pos
        super()._read_entry(number, metadata)
        key_size = 8 + struct.unpack_from(self._order + "Q", self._data, start)[0]
        key = bytes(self._data[start + 8 : start + key_size]).decode("utf-8", errors="replace")
        self.entries[key] = bytes(self._data[start + key_size : self._pos])
