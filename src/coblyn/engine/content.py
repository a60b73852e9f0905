"""What a sequence holds, cell by cell: a prompt, and the text generated after it.

A cell is the place of a token, or of a part of a media item, in the KV memory; lengths are in cells. A position is the
number that the model computes with. The two are equal until a media item takes fewer positions than cells.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Self

from coblyn.engine.prompt import (
    BLOCK,
    PLAIN,
    Media,
    Namespace,
    Prompt,
    Span,
    Tokens,
    block_hash,
    pack_ids,
)

__all__ = ["MEDIA", "Content", "common_prefix"]

MEDIA = -1
"""Used in place of a token id: the cell is part of a media item."""


class Content:
    """A list of cells that grows and is truncated at its end.

    Args:
        namespace: The namespace in which it may be shared.

    Attributes:
        cells: A token id each, or ``MEDIA``. Tokens may be appended directly, since every microsecond of a step counts.
    """

    __slots__ = ("_hashes", "_media", "_root", "_starts", "cells", "namespace")

    def __init__(self, namespace: Namespace = PLAIN) -> None:
        self.namespace = namespace
        self.cells: list[int] = []
        self._media: list[Media] = []
        self._starts: list[int] = []
        self._hashes: list[bytes] = []
        self._root: bytes | None = None

    @classmethod
    def of(cls, prompt: Prompt) -> Self:
        """The content of a prompt."""
        content = cls(prompt.namespace)
        for span in prompt.spans:
            if isinstance(span, Media):
                content.add(span)
            else:
                content.cells += span.ids
        return content

    def __len__(self) -> int:
        return len(self.cells)

    def __repr__(self) -> str:
        return f"Content({len(self)} cells)"

    def add(self, media: Media) -> None:
        """Append a media item."""
        self._starts.append(len(self.cells))
        self._media.append(media)
        self.cells += [MEDIA] * media.cells

    def extend(self, other: Content, start: int, end: int) -> None:
        """Append another content's cells from ``start`` to ``end``; neither may be inside a media item."""
        if other._media:
            offset = len(self.cells) - start
            for begin, media in zip(other._starts, other._media, strict=True):
                if start <= begin < end:
                    self._starts.append(begin + offset)
                    self._media.append(media)
        self.cells += other.cells[start:end]

    def spans(self) -> tuple[Span, ...]:
        """Its cells as a prompt's spans."""
        found: list[Span] = []
        end = 0
        for start, media in zip(self._starts, self._media, strict=True):
            if start > end:
                found.append(Tokens.of(self.cells[end:start]))
            found.append(media)
            end = start + media.cells
        if end < len(self.cells):
            found.append(Tokens.of(self.cells[end:]))
        return tuple(found)

    def prefix(self, length: int) -> Content:
        """A new content with its first ``length`` cells."""
        copy = Content(self.namespace)
        copy._root = self._root
        copy.extend(self, 0, length)
        copy._hashes = self._hashes[: length // BLOCK]
        return copy

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` cells only."""
        del self.cells[length:]
        del self._hashes[length // BLOCK :]
        kept = bisect_right(self._starts, length - 1)
        del self._starts[kept:], self._media[kept:]

    def position(self, length: int) -> int:
        """The position of the cell that follows the first ``length`` cells."""
        if not self._media:
            return length
        spans = zip(self._starts, self._media, strict=True)
        return length - sum(m.cells - m.positions for start, m in spans if start < length)

    def whole(self, length: int) -> int:
        """The largest number of cells up to ``length`` that does not end inside a media item."""
        index = bisect_right(self._starts, length - 1) - 1
        if index >= 0 and length < self._starts[index] + self._media[index].cells:
            return self._starts[index]
        return length

    def media_at(self, cell: int) -> Media | None:
        """The media item that begins at a cell."""
        if not self._media:
            return None
        index = bisect_right(self._starts, cell) - 1
        return self._media[index] if index >= 0 and self._starts[index] == cell else None

    def num_media_before(self, cell: int) -> int:
        """Number of media items that begin before a cell."""
        return bisect_left(self._starts, cell)

    def next_media(self, cell: int) -> int:
        """The first cell, from this one on, at which a media item begins; the end if there is none."""
        index = bisect_right(self._starts, cell - 1)
        return self._starts[index] if index < len(self._starts) else len(self.cells)

    def hashes(self) -> Sequence[bytes]:
        """The hashes of all whole blocks, each covering everything before it too."""
        while (len(self._hashes) + 1) * BLOCK <= len(self.cells):
            start = len(self._hashes) * BLOCK
            before = self._hashes[-1] if self._hashes else self.root
            self._hashes.append(block_hash(before, self._block(start)))
        return self._hashes

    @property
    def root(self) -> bytes:
        """The hash before the first block."""
        if self._root is None:
            self._root = self.namespace.root
        return self._root

    def same(self, other: Content, start: int, end: int) -> int:
        """The cell up to which the two are equal in a stretch, given that they are equal before it."""
        mine, others = self.cells[start:end], other.cells[start:end]
        if mine != others:
            pairs = enumerate(zip(mine, others, strict=True))
            end = start + next(index for index, (a, b) in pairs if a != b)
        if not (self._starts or other._starts):
            return end
        return self._same_media(other, start, end)

    def _same_media(self, other: Content, start: int, end: int) -> int:
        # If a media item begins only in the other one, this one has media there too, or the cells differ.
        for begin, media in zip(self._starts, self._media, strict=True):
            if begin + media.cells > start and begin < end and not other._has(begin, media):
                return begin
        return min(self.whole(end), other.whole(end))

    def _has(self, begin: int, media: Media) -> bool:
        return self.media_at(begin) == media

    def _block(self, start: int) -> bytes:
        """The bytes of a block: its ids, and for each media item in it the place where it begins and its digest."""
        end = start + BLOCK
        data = pack_ids(self.cells[start:end])
        if not self._starts:
            return data
        for begin, media in zip(self._starts, self._media, strict=True):
            if begin < end and begin + media.cells > start:
                numbers = (begin - start, media.cells, media.positions, len(media.digest))
                data += pack_ids(numbers) + media.digest
        return data


def common_prefix(a: Content, b: Content) -> int:
    """Number of equal cells at the start of both, in one namespace, not ending inside a media item."""
    if a.root != b.root:
        return 0
    limit = min(len(a), len(b))
    if limit < BLOCK:
        return a.same(b, 0, limit)
    mine, others = a.hashes(), b.hashes()
    low, high = 0, limit // BLOCK
    while low < high:  # each hash covers all blocks before it, so equal blocks come first
        middle = (low + high + 1) // 2
        low, high = (middle, high) if mine[middle - 1] == others[middle - 1] else (low, middle - 1)
    start = low * BLOCK
    return a.same(b, start, min(start + BLOCK, limit))
