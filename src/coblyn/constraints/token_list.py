"""A constraint to a fixed list of tokens, used to find how likely the model considers each."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.errors import ConstraintRefused, EngineError

__all__ = ["TokenList", "known_tokens"]


class TokenList:
    """Allows one token at each place, and none at the end.

    Args:
        text: The token ids, as a JSON list.
        vocab_size: Number of tokens in the vocabulary.

    Raises:
        ConstraintRefused: It is not such a list, or is empty, or an id is outside the vocabulary.
    """

    def __init__(self, text: str, vocab_size: int) -> None:
        self._tokens = _read(text, vocab_size)
        self._num_taken = 0

    def fill(self, words: NDArray[np.uint32]) -> None:
        """Write the mask for the next token, as ``Matcher.fill`` does."""
        words[:] = 0
        if not self.is_over:
            token = self._tokens[self._num_taken]
            words[token // 32] = np.uint32(1 << token % 32)

    def accept(self, token: int) -> None:
        """A token was chosen.

        Raises:
            EngineError: It is not the next token of the list.
        """
        if self.is_over or token != self._tokens[self._num_taken]:
            raise EngineError(f"The token {token} is not the next one of the list.")
        self._num_taken += 1

    def forced(self) -> list[int]:
        """All remaining tokens."""
        return self._tokens[self._num_taken :]

    def rewind(self, count: int) -> None:
        """Take back the last accepted tokens."""
        self._num_taken -= count

    @property
    def is_free(self) -> bool:
        """Never: it allows one token at each place."""
        return False

    @property
    def is_over(self) -> bool:
        """Whether all tokens were generated."""
        return self._num_taken == len(self._tokens)


def known_tokens(constraint: Constraint | None) -> tuple[int, ...]:
    """The tokens of a text whose constraint is a token list that was already parsed."""
    is_list = constraint is not None and constraint.syntax == "tokens"
    return tuple(json.loads(constraint.text)) if constraint and is_list else ()


def _read(text: str, vocab_size: int) -> list[int]:
    try:
        tokens = json.loads(text)
    except ValueError:
        tokens = None
    is_list = isinstance(tokens, list) and tokens and all(type(each) is int for each in tokens)
    if not is_list or not all(0 <= each < vocab_size for each in tokens):
        message = f"A list of tokens must hold ids from 0 to {vocab_size - 1}, at least one."
        raise ConstraintRefused(message, field="constraint")
    return list(tokens)
