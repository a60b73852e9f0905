"""A text that is known token by token: a model that has to write it says how likely each token was."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.errors import ConstraintRefused, EngineError

__all__ = ["TokenList", "known_tokens"]


class TokenList:
    """Allows one token at each place, and nothing at the end.

    Args:
        text: The token ids, as a JSON list.
        vocab_size: Tokens of the vocabulary.

    Raises:
        ConstraintRefused: It is no such list, or empty, or an id is outside the vocabulary.
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
            EngineError: It is another one.
        """
        if self.is_over or token != self._tokens[self._num_taken]:
            raise EngineError(f"The token {token} is not the next one of the list.")
        self._num_taken += 1

    def forced(self) -> list[int]:
        """The tokens that come next: all that are left."""
        return self._tokens[self._num_taken :]

    def rewind(self, count: int) -> None:
        """Forget the last tokens that were accepted."""
        self._num_taken -= count

    @property
    def is_free(self) -> bool:
        """Never: it allows one token at each place."""
        return False

    @property
    def is_over(self) -> bool:
        """Whether all tokens were written."""
        return self._num_taken == len(self._tokens)


def known_tokens(constraint: Constraint | None) -> tuple[int, ...]:
    """The tokens that a text has to be, if its constraint is a list of them that was read before."""
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
