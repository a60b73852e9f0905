"""Images and sounds for prompts: the form sent to the engine, and the protocol of their readers."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from coblyn.engine.prompt import Span

__all__ = ["Kind", "MediaReader", "NoMedia", "RawMedia", "Recent", "part_digest"]

T = TypeVar("T")

Kind = Literal["image", "sound"]

_DIGEST_SIZE = 16


class RawMedia(msgspec.Struct, frozen=True, array_like=True):
    """A decoded image or sound.

    Attributes:
        digest: Hash of its content.
        kind: Image or sound.
        width: Width in pixels; for a sound, its number of samples.
        height: Height in pixels; for a sound, 1.
        data: Red, green and blue of each pixel, row by row; for a sound, float32 samples of one channel at the model's
            rate (``ModelInfo.sample_rate``).
    """

    digest: bytes
    kind: Kind
    width: int
    height: int
    data: bytes

    def __repr__(self) -> str:
        return f"RawMedia({self.kind}, {self.width} x {self.height})"  # so that its content is never logged


class MediaReader(Protocol):
    """Turns images and sounds into spans of a prompt. Any thread may call."""

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Keep an image or a sound for a while, and give the spans that replace it in a prompt.

        Raises:
            BadRequest: The model cannot take it.
        """
        ...

    def spans(self, digest: bytes) -> tuple[Span, ...] | None:
        """The spans of an image or a sound that was taken; None if it is no longer kept."""
        ...


class NoMedia:
    """The reader of models that accept text only."""

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Refuse: must not be called.

        Raises:
            AssertionError: Always; services check the model's facts first.
        """
        raise AssertionError(f"a model that reads text only was given {raw}")

    def spans(self, digest: bytes) -> tuple[Span, ...] | None:  # noqa: ARG002 - whatever it is
        """Give None: nothing is kept."""
        return None


def part_digest(digest: bytes, index: int) -> bytes:
    """The digest of one of the parts into which an image or a sound is cut.

    Args:
        digest: The digest of the whole.
        index: Number of the part, 0 to 2**32 - 1.
    """
    return hashlib.blake2b(digest + index.to_bytes(4, "little"), digest_size=_DIGEST_SIZE).digest()


class Recent(Generic[T]):
    """Keeps the most recently used values up to a total size; the newest is always kept. Not thread-safe.

    Args:
        capacity: Maximum size of all values together, in bytes.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes) -> T | None:
        """The value of a key; marks it as used."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: bytes, value: T, size: int) -> Collection[T]:
        """Keep a value in place of an older one with its key.

        Args:
            key: The key.
            value: The value.
            size: Its size in bytes; one above the capacity is kept alone.

        Returns:
            The values that were evicted for it, the one that was used longest ago first.
        """
        _, old = self._values.pop(key, (value, 0))
        self._values[key] = value, size
        self._size += size - old
        gone = []
        while self._size > self._capacity and len(self._values) > 1:
            _, (value, size) = self._values.popitem(last=False)
            self._size -= size
            gone.append(value)
        return gone
