"""What a model reads: spans of tokens and media, and what else the numbers in the KV memory depend on.

Two prompts share what was computed for one of them as far as their spans are equal, and only within one namespace. A
chained hash names each block of ``BLOCK`` cells together with all that stands before it. It depends on values only,
never on the process or the machine, so it is a key in memory, on disk and over the network alike.
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
"""Cells that share one hash."""

HASH_SIZE = 16
"""Bytes of a hash."""

_IS_SWAPPED = sys.byteorder == "big"


def pack_ids(ids: Iterable[int]) -> bytes:
    """Token ids as they cross every border: 32-bit integers, the lowest byte first.

    Raises:
        BadRequest: One is not an integer of 32 bits.
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
    """The one hash function: of a block's content behind what ``before`` is the hash of; ``HASH_SIZE`` bytes.

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
        """Their ids."""
        return unpack_ids(self.packed)

    @property
    def cells(self) -> int:
        """KV cells that they take."""
        return len(self.packed) // 4

    @property
    def positions(self) -> int:
        """Positions by which what follows them is later."""
        return self.cells

    def __repr__(self) -> str:
        return f"Tokens({self.cells})"  # a prompt's text is in no log


class Media(msgspec.Struct, frozen=True, array_like=True, tag="media"):
    """An image or a sound: it is computed as a whole, and shared as a whole.

    Attributes:
        digest: Names its content, as the model gets to see it.
        cells: KV cells that it takes, at least 1.
        positions: Positions by which what follows it is later, 1 to ``cells``.
    """

    digest: bytes
    cells: int
    positions: int

    def __post_init__(self) -> None:
        """Refuse what no model has.

        Raises:
            ValueError: The numbers have no meaning.
        """
        if not 1 <= self.positions <= self.cells:
            raise ValueError("media take at least one cell, and no more positions than cells")


Span = Tokens | Media


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that is in use: a digest of its file, its scale, and its kind, ``lora`` or ``control``."""

    digest: str
    scale: float = 1.0
    kind: str = "lora"


@dataclass(frozen=True, slots=True)
class Namespace:
    """What the numbers in the KV memory depend on besides the spans.

    Attributes:
        settings: Pairs of name and value: the model, its position encoding, the types in the KV memory.
        adapters: The adapters in use, in their order.
    """

    settings: tuple[tuple[str, str], ...] = ()
    adapters: tuple[Adapter, ...] = ()

    @property
    def root(self) -> bytes:
        """The hash before the first block."""
        adapters = [(adapter.digest, adapter.scale.hex()) for adapter in self.adapters]
        return block_hash(b"", msgspec.msgpack.encode((sorted(self.settings), adapters)))


PLAIN = Namespace()
"""No adapters, and one model."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is continued.

    Attributes:
        spans: In their order.
        namespace: Where what is computed for it may be shared.
    """

    spans: tuple[Span, ...] = field(repr=False)
    namespace: Namespace = PLAIN

    @classmethod
    def of(cls, ids: Iterable[int], namespace: Namespace = PLAIN) -> Self:
        """A prompt of tokens only."""
        return cls((Tokens.of(ids),), namespace)

    @property
    def cells(self) -> int:
        """KV cells that it takes."""
        return sum(span.cells for span in self.spans)

    @property
    def positions(self) -> int:
        """Positions that it takes."""
        return sum(span.positions for span in self.spans)

    @property
    def media(self) -> list[Media]:
        """Its images and sounds, in their order."""
        return [span for span in self.spans if isinstance(span, Media)]

    @property
    def ids(self) -> array[int]:
        """The ids of all its tokens; media have none."""
        return unpack_ids(b"".join(span.packed for span in self.spans if isinstance(span, Tokens)))
