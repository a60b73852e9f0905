"""Token ids to bytes."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.engine.interface import Vocab
from coblyn.errors import BadRequest

__all__ = ["join_pieces"]


def join_pieces(vocab: Vocab, tokens: Sequence[int], *, special: bool, vocab_size: int) -> bytes:
    """Bytes of tokens.

    Raises:
        BadRequest: An id is outside the vocabulary.
    """
    for token in tokens:
        if not 0 <= token < vocab_size:
            raise BadRequest(
                f"{token} is not a token id; ids range from 0 to {vocab_size - 1}.", field="ids"
            )
    return b"".join(vocab.piece(token, special=special) for token in tokens)
