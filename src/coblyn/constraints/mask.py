"""What every mask over a vocabulary answers, and the constraints that need no grammar for theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from coblyn.constraints.constraint import Syntax
from coblyn.constraints.token_list import TokenList

__all__ = ["OWN_MASKS", "Mask"]


class Mask(Protocol):
    """The state of one text under a constraint. One thread at a time may use it."""

    @property
    def is_free(self) -> bool:
        """Whether any token may come next, so that ``fill`` need not be called."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing may follow."""
        ...

    def fill(self, words: NDArray[np.uint32]) -> None:
        """Write the mask for the next token: a bit is set where a token may be chosen, lowest bits first.

        Args:
            words: uint32 of ``matcher.mask_words(vocab_size)`` entries, in one piece.
        """
        ...

    def accept(self, token: int) -> None:
        """Go on with a token.

        Raises:
            EngineError: The constraint does not allow it.
        """
        ...

    def forced(self) -> list[int]:
        """The token ids that have to come next, as far as there is no choice."""
        ...

    def rewind(self, count: int) -> None:
        """Take back the last accepted tokens.

        Raises:
            EngineError: It cannot.
        """
        ...


OWN_MASKS: Mapping[Syntax, Callable[[str, int], Mask]] = {"tokens": TokenList}
"""Makes the mask of a constraint from its text and the size of the vocabulary, where that is not a grammar.

It is called on a thread that prepares requests, and raises ConstraintRefused where the text is wrong.
"""
