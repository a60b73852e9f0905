"""Prompts: spans of tokens and media, and the namespace that the numbers in the KV memory depend on.

Two prompts share computed cells as far as their spans are equal, and only within one namespace. A chained hash
identifies each block of ``BLOCK`` cells together with everything before it. It depends on values only, not on the
process or the machine, so it can serve as a key in memory, on disk and over the network.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import msgspec

from coblyn.errors import BadRequest

__all__ = [
    "BLOCK",
    "HASH_SIZE",
    "PLAIN",
    "Adapter",
    "Media",
    "Namespace",
    "Prompt",
    "Span",
    "Tokens",
    "block_hash",
    "pack_ids",
    "unpack_ids",
]

BLOCK = 64
"""Number of cells per hash."""

HASH_SIZE = 16
"""Size of a hash in bytes."""

_IS_SWAPPED = sys.byteorder == "big"


def pack_ids(ids: Iterable[int]) -> bytes:
    """Pack token ids for transport: little-endian 32-bit integers.

    Raises:
        BadRequest: An id is not a 32-bit integer.
    """
    values = tuple(ids)
    try:
        return struct.pack(f"<{len(values)}i", *values)
    except struct.error as error:
        raise BadRequest(f"Token ids are integers from 0 to {2**31 - 1}.", field="ids") from error


def unpack_ids(data: bytes) -> array[int]:
    """The token ids that ``pack_ids`` packed."""
    values = array("i")
    values.frombytes(data)
    if _IS_SWAPPED:
        values.byteswap()
    return values


def block_hash(before: bytes, block: bytes) -> bytes:
    """Hash a block's content together with the hash of everything before it; ``HASH_SIZE`` bytes.

    The hash must be strong: anyone able to craft two prompts with the same hash could read another user's results.
    """
    return hashlib.blake2b(before + block, digest_size=HASH_SIZE).digest()


class Tokens(msgspec.Struct, frozen=True, array_like=True, tag="tokens"):
    """Tokens of text; each takes one cell and one position. ``packed`` are their ids (``pack_ids``)."""

    packed: bytes

    @classmethod
    def of(cls, ids: Iterable[int]) -> Self:
        """Tokens with these ids."""
        return cls(pack_ids(ids))

    @property
    def ids(self) -> array[int]:
        """The token ids."""
        return unpack_ids(self.packed)

    @property
    def cells(self) -> int:
        """Number of KV cells."""
        return len(self.packed) // 4

    @property
    def positions(self) -> int:
        """Number of positions."""
        return self.cells

    def __repr__(self) -> str:
        return f"Tokens({self.cells})"  # so that a prompt's text is never logged


class Media(msgspec.Struct, frozen=True, array_like=True, tag="media"):
    """An image or a sound: always computed and shared as a whole.

    Attributes:
        digest: Hash of its content as prepared for the model.
        cells: Number of KV cells, at least 1.
        positions: Number of positions, 1 to ``cells``.
    """

    digest: bytes
    cells: int
    positions: int

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: They are out of range.
        """
        if not 1 <= self.positions <= self.cells:
            raise ValueError("media take at least one cell, and no more positions than cells")


Span = Tokens | Media


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter in use: the digest of its file, its scale, and its kind, ``lora`` or ``control``."""

    digest: str
    scale: float = 1.0
    kind: str = "lora"

    @property
    def is_of_rows(self) -> bool:
        """Whether the rows of a step may differ in it, where the engine can; every other kind is of whole steps."""
        return self.kind == "lora"


@dataclass(frozen=True, slots=True)
class Namespace:
    """What the numbers in the KV memory depend on besides the spans.

    Attributes:
        settings: Pairs of name and value: the model, its position encoding, the KV cache types.
        adapters: The adapters in use, in order.
    """

    settings: tuple[tuple[str, str], ...] = ()
    adapters: tuple[Adapter, ...] = ()

    @property
    def root(self) -> bytes:
        """The hash before the first block."""
        adapters = [(adapter.digest, adapter.scale.hex()) for adapter in self.adapters]
        return block_hash(b"", msgspec.msgpack.encode((sorted(self.settings), adapters)))


PLAIN = Namespace()
"""A namespace for tests and tools with a single model and no adapters."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input of a generation.

    Attributes:
        spans: Tokens and media, in order.
        namespace: The namespace in which its computed cells may be shared.
    """

    spans: tuple[Span, ...] = field(repr=False)
    namespace: Namespace = PLAIN

    @classmethod
    def of(cls, ids: Iterable[int], namespace: Namespace = PLAIN) -> Self:
        """A prompt of tokens only."""
        return cls((Tokens.of(ids),), namespace)

    @property
    def cells(self) -> int:
        """Number of KV cells."""
        return sum(span.cells for span in self.spans)

    @property
    def positions(self) -> int:
        """Number of positions."""
        return sum(span.positions for span in self.spans)

    @property
    def media(self) -> list[Media]:
        """Its images and sounds, in order."""
        return [span for span in self.spans if isinstance(span, Media)]

    @property
    def ids(self) -> array[int]:
        """The ids of all its tokens, without media."""
        return unpack_ids(b"".join(span.packed for span in self.spans if isinstance(span, Tokens)))
