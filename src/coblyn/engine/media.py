"""Images and sounds on their way into a prompt: what crosses to the engine, and what takes it apart."""

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
        digest: Names it: equal digests, equal content.
        kind: What it is.
        width: Pixels in a row; for a sound, its samples.
        height: Rows; for a sound, 1.
        data: Red, green and blue of each pixel, row by row; for a sound, float32 samples of one channel at the rate
            that the model wants (``ModelInfo.sample_rate``).
    """

    digest: bytes
    kind: Kind
    width: int
    height: int
    data: bytes

    def __repr__(self) -> str:
        return f"RawMedia({self.kind}, {self.width} x {self.height})"  # its content is in no log


class MediaReader(Protocol):
    """Takes images and sounds apart into spans of a prompt. Any thread may call."""

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Keep an image or a sound for a while, and say what a prompt has in its place.

        Raises:
            BadRequest: The model cannot take it.
        """
        ...

    def spans(self, digest: bytes) -> tuple[Span, ...] | None:
        """What a prompt has in place of something that was taken; None if it is no longer kept."""
        ...


class NoMedia:
    """For models that read text only: keeps nothing."""

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Refuse it.

        Raises:
            AssertionError: Always: services ask the model's facts first.
        """
        raise AssertionError(f"a model that reads text only was given {raw}")

    def spans(self, digest: bytes) -> tuple[Span, ...] | None:  # noqa: ARG002 - whatever it is
        """Nothing is kept."""
        return None


def part_digest(digest: bytes, index: int) -> bytes:
    """The name of one of the parts into which an image or a sound is cut."""
    return hashlib.blake2b(digest + index.to_bytes(4, "little"), digest_size=_DIGEST_SIZE).digest()


class Recent(Generic[T]):
    """Keeps the values that were used last, up to a total size; the newest stays in any case. One thread at a time.

    Args:
        capacity: Bytes of all values.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes) -> T | None:
        """The value of a key, which counts as used."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: bytes, value: T, size: int) -> Collection[T]:
        """Keep a value; gives those that had to go."""
        _, old = self._values.pop(key, (value, 0))
        self._values[key] = value, size
        self._size += size - old
        gone = []
        while self._size > self._capacity and len(self._values) > 1:
            _, (value, size) = self._values.popitem(last=False)
            self._size -= size
            gone.append(value)
        return gone
