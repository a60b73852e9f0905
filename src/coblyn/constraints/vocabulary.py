"""The tokens of a model in the form that llguidance needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llguidance import LLTokenizer

__all__ = ["Vocabulary", "make_tokenizer"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A model's vocabulary.

    Attributes:
        pieces: The bytes of each token, with the names of special tokens.
        special_ids: Tokens without text.
        end_ids: Tokens that end a generation; at least one.
        tokenize: Gives token ids of a text without special tokens.
    """

    pieces: Sequence[bytes] = field(repr=False)
    special_ids: Sequence[int] = field(repr=False)
    end_ids: Sequence[int]
    tokenize: Callable[[str], list[int]] = field(repr=False)


class _Wrapper:
    """The attributes that ``LLTokenizer`` requires of a Python tokenizer (llguidance 1.9, ``_tokenizer.py``)."""

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.eos_token_id = vocabulary.end_ids[0]
        self.tokens = vocabulary.pieces
        self.special_token_ids = vocabulary.special_ids
        self._tokenize = vocabulary.tokenize

    def __call__(self, text: str) -> list[int]:
        return self._tokenize(text)


def make_tokenizer(vocabulary: Vocabulary) -> LLTokenizer:
    """The tokenizer shared by all matchers of a model.

    Takes 0.2 s for 50,000 tokens and 1.5 s for 260,000, with the interpreter's lock held.
    """
    return LLTokenizer(
        _Wrapper(vocabulary),  # type: ignore[arg-type]  # what it asks for, not its class, counts
        n_vocab=len(vocabulary.pieces),
        eos_token=list(vocabulary.end_ids),
    )
