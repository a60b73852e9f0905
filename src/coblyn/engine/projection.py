"""Images and sounds as processed by a projector, cached by digest, so that each is processed once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.media import RawMedia, Recent, part_digest
from coblyn.engine.prompt import Media, Span, Tokens
from coblyn.errors import BadRequest, PromptForgotten
from coblyn.llama.projector import Chunk, Piece, Projector

__all__ = ["Encoded", "Projection"]

_PREPARED_SIZE = 4
"""Bytes of a prepared part per byte of a picture: float32 in place of bytes."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A part of an image or a sound as the model reads it: its cells, and their embeddings."""

    chunk: Chunk
    embeddings: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Taken:
    spans: tuple[Span, ...]
    chunks: dict[bytes, Chunk]


class Projection:
    """A ``MediaReader`` over a projector.

    Args:
        projector: The encoder; its creator closes it.
        max_whole: Maximum number of cells that attend to each other and so need one step.
        capacity: Bytes for prepared media, and as many again for encoded media.
    """

    def __init__(self, projector: Projector, *, max_whole: int, capacity: int) -> None:
        self._projector = projector
        self._max_whole = max_whole
        self._taken: Recent[_Taken] = Recent(capacity)
        self._parts: dict[bytes, Chunk] = {}
        self._encoded: Recent[Encoded] = Recent(capacity)
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self.num_encoded = 0

    def take(self, raw: RawMedia) -> tuple[Span, ...]:
        """Cut and scale an image or a sound for the model, and keep the parts until ``encode`` wants them.

        Returns:
            Its spans in a prompt: parts, with the tokens that the model wants around them.

        Raises:
            BadRequest: A part that has to be computed in one step has more tokens than one holds.
        """
        taken = _taken(raw.digest, self._prepared(raw))
        for chunk in taken.chunks.values():
            if chunk.is_whole and chunk.num_cells > self._max_whole:
                raise BadRequest(
                    f"This {raw.kind} takes {chunk.num_cells} tokens that have to be computed in one step, which holds "
                    f"{self._max_whole}.",
                    hint="Load the model with a larger batch (--batch).",
                )
        with self._lock:
            for old in self._taken.put(raw.digest, taken, _PREPARED_SIZE * len(raw.data)):
                self._parts = {
                    key: chunk for key, chunk in self._parts.items() if key not in old.chunks
                }
            self._parts |= taken.chunks
        return taken.spans

    def spans(self, digest: bytes) -> tuple[Span, ...] | None:
        """The spans of an image or a sound, if it is kept."""
        with self._lock:
            taken = self._taken.get(digest)
        return taken.spans if taken else None

    def encode(self, media: Iterable[Media]) -> dict[bytes, Encoded]:
        """Encode a prompt's media; gives the parts by digest.

        Raises:
            PromptForgotten: One of them is no longer kept.
        """
        return {each.digest: self._encode(each.digest) for each in media}

    def _encode(self, digest: bytes) -> Encoded:
        with self._turn:  # a concurrent request for the same media waits for this one
            with self._lock:
                found, chunk = self._encoded.get(digest), self._parts.get(digest)
            if found:
                return found
            if chunk is None:
                raise PromptForgotten(
                    "The engine no longer has this image or sound.", hint="Send it again."
                )
            found = Encoded(chunk, self._projector.encode(chunk))
            self.num_encoded += 1
            with self._lock:
                self._encoded.put(digest, found, found.embeddings.nbytes)
            return found

    def _prepared(self, raw: RawMedia) -> list[Piece]:
        if raw.kind == "image":
            return self._projector.prepare_image(raw.width, raw.height, raw.data)
        return self._projector.prepare_sound(np.frombuffer(raw.data, np.float32))


def _taken(digest: bytes, pieces: Iterable[Piece]) -> _Taken:
    spans: list[Span] = []
    chunks: dict[bytes, Chunk] = {}
    for index, piece in enumerate(pieces):
        if isinstance(piece, Chunk):
            name = part_digest(digest, index)
            chunks[name] = piece
            spans.append(Media(name, piece.num_cells, piece.num_positions))
        else:
            spans.append(Tokens.of(piece))
    return _Taken(tuple(spans), chunks)
