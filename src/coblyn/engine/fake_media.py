"""Images and sounds of the runner without a model."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

from coblyn.engine.media import RawMedia
from coblyn.engine.plan import Row
from coblyn.engine.prompt import Media, Span, Tokens

__all__ = ["SAMPLE_RATE", "FakeMedia", "entries_of"]

SAMPLE_RATE = 16_000
"""Samples of a second of sound."""


class FakeMedia:
    """Images take a cell per square of 32 pixels, and positions for the longer side; sounds take 10 cells a second."""

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[Span, ...]] = {}
        self.num_taken = 0

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Keep it, between two tokens."""
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
        """What was taken."""
        return self.kept.get(digest)


def entries_of(row: Row) -> Sequence[int]:
    """What a row leaves in a sequence, one entry a position: a token id, or a number for a part of some media."""
    if row.media is None:
        return row.tokens
    assert len(row.tokens) == row.media.cells, "media are computed as a whole"
    return [_number(row.media, index) for index in range(row.media.positions)]


def _number(media: Media, index: int) -> int:
    return -1 - zlib.crc32(media.digest + bytes((index,)))
