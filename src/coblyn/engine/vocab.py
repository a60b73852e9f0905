"""The vocabulary of a loaded model, for the engine and for constraints."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, partial

from coblyn.constraints.vocabulary import Vocabulary
from coblyn.engine.token_texts import TokenTexts
from coblyn.llama.model import Model

__all__ = ["ModelVocab", "constraint_vocabulary"]

_BEFORE = "\x02"
"""A character that no other token contains."""


class ModelVocab:
    """The vocabulary of a loaded model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.end_tokens = model.end_tokens
        self.size = model.vocab_size

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text."""
        return self._model.tokenize(text, add_special=add_special, parse_special=parse_special)

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of a token."""
        return self._model.piece(token, special=special)

    def is_end(self, token: int) -> bool:
        """Whether the token ends a generation."""
        return token in self.end_tokens

    def containing(self, text: str) -> tuple[int, ...]:
        """Ids of the tokens whose text contains a text, ignoring case; marks are left out."""
        return self._texts.containing(text)

    @cached_property
    def _texts(self) -> TokenTexts:
        marks = self._model.marks
        ids = range(self._model.vocab_size)
        return TokenTexts(b"" if token in marks else self.piece(token) for token in ids)


def constraint_vocabulary(model: Model, vocab: ModelVocab) -> Vocabulary:
    """The model's vocabulary for constraints, in which special tokens have no text."""
    pieces = [vocab.piece(token, special=True) for token in range(model.vocab_size)]
    special = [token for token, piece in enumerate(pieces) if piece and not vocab.piece(token)]
    return Vocabulary(pieces, special, sorted(vocab.end_tokens), _continuing(model, vocab))


def _continuing(model: Model, vocab: ModelVocab) -> Callable[[str], list[int]]:
    """A tokenizer for text that continues other text.

    SentencePiece's vocabularies add a space before each text, and to what follows a mark that is an ordinary token,
    which would be wrong in the middle of a text.
    """
    tokenize = partial(vocab.tokenize, add_special=False, parse_special=False)
    if b"".join(map(vocab.piece, tokenize("a"))) == b"a":
        return tokenize
    before = tokenize(_BEFORE)
    marks = {vocab.piece(t).decode(errors="replace"): t for t in model.marks if vocab.piece(t)}
    names = sorted(marks, key=len, reverse=True)
    splitter = re.compile(f"({'|'.join(map(re.escape, names)) or '(?!)'})")

    def continuing(text: str) -> list[int]:
        ids: list[int] = []
        for part in filter(None, splitter.split(text)):
            is_mark = part in marks
            ids += [marks[part]] if is_mark else tokenize(_BEFORE + part)[len(before) :]
        return ids

    return continuing
