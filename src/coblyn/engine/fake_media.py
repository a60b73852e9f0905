"""Images and sounds of the fake runner."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

from coblyn.engine.media import RawMedia
from coblyn.engine.plan import Row
from coblyn.engine.prompt import Media, Span, Tokens

__all__ = ["SAMPLE_RATE", "FakeMedia", "entries_of"]

SAMPLE_RATE = 16_000
"""Samples per second of sound."""


class FakeMedia:
    """Images take one cell per 32 x 32 pixels and as many positions as the longer side.

    Sounds take 10 cells per second.
    """

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[Span, ...]] = {}
        self.num_taken = 0

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Keep an image or a sound, between two tokens."""
        self.num_taken += 1
        if raw.kind == "image":
            columns, rows = (math.ceil(side / 32) for side in (raw.width, raw.height))
            media = Media(raw.digest, columns * rows, max(columns, rows))
        else:
            length = math.ceil(10 * raw.width / SAMPLE_RATE)
            media = Media(raw.digest, length, length)
        self.kept[raw.digest] = (Tokens.of(b"<"), media, Tokens.of(b">"))
        return self.kept[raw.digest]

    def spans(self, digest: bytes) -> tuple[Span, ...] | None:
        """The spans of a kept image or sound."""
        return self.kept.get(digest)


def entries_of(row: Row) -> Sequence[int]:
    """What a row adds to a sequence, one entry per position: a token id, or a number for a part of a media item."""
    if row.media is None:
        return row.tokens
    assert len(row.tokens) == row.media.cells, "media are computed as a whole"
    return [_number(row.media, index) for index in range(row.media.positions)]


def _number(media: Media, index: int) -> int:
    return -1 - zlib.crc32(media.digest + bytes((index,)))
