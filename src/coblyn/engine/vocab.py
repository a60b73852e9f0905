"""The vocabulary of a loaded model, for the engine and for constraints."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from coblyn.constraints.vocabulary import Vocabulary
from coblyn.llama.model import Model

__all__ = ["ModelVocab", "constraint_vocabulary"]

_BEFORE = "\x02"
"""A character that no other token contains."""


class ModelVocab:
    """The vocabulary of a loaded model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.end_tokens = model.end_tokens

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text."""
        return self._model.tokenize(text, add_special=add_special, parse_special=parse_special)

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of a token."""
        return self._model.piece(token, special=special)

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation."""
        return token in self.end_tokens


def constraint_vocabulary(model: Model, vocab: ModelVocab) -> Vocabulary:
    """The model's vocabulary for constraints, in which special tokens have no text."""
    pieces = [vocab.piece(token, special=True) for token in range(model.vocab_size)]
    special = [token for token, piece in enumerate(pieces) if piece and not vocab.piece(token)]
    return Vocabulary(pieces, special, sorted(vocab.end_tokens), _continuing(vocab))


def _continuing(vocab: ModelVocab) -> Callable[[str], list[int]]:
    """A tokenizer for text that continues other text.

    SentencePiece's vocabularies add a space before each text, which would be wrong in the middle of one.
    """
    tokenize = partial(vocab.tokenize, add_special=False, parse_special=False)
    if b"".join(map(vocab.piece, tokenize("a"))) == b"a":
        return tokenize
    before = tokenize(_BEFORE)

    def continuing(text: str) -> list[int]:
        return tokenize(_BEFORE + text)[len(before) :]

    return continuing
