"""Matches one growing text against a grammar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from numpy.typing import NDArray

from coblyn.errors import EngineError

__all__ = ["Matcher", "mask_words"]

# These limit the size of results. The time depends on how ambiguous a grammar is, so there is a time limit as well
# (``engine/masks.py``); these limits make sure that abandoned work ends.
# An object takes four items for each optional property that may come next.
_LIMITS = LLParserLimits(step_max_items=100_000, step_lexer_fuel=1_000_000, max_items_in_row=20_000)


def mask_words(vocab_size: int) -> int:
    """Number of 32-bit words in a mask over a vocabulary."""
    return (vocab_size + 31) // 32


class Matcher:
    """Says which tokens may come next. One thread at a time may use it.

    Args:
        tokenizer: The model's tokenizer.
        grammar: The result of ``grammar_of``.

    Raises:
        EngineError: The grammar exceeds llguidance's limits.
    """

    def __init__(self, tokenizer: LLTokenizer, grammar: str) -> None:
        self._matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=_LIMITS)
        self._require_sane()

    def fill(self, words: NDArray[np.uint32]) -> None:
        """Write the mask for the next token: a bit is set where a token may be chosen, lowest bits first.

        End-of-generation tokens are allowed if the text is complete. The interpreter's lock is released meanwhile.

        Args:
            words: A contiguous uint32 array of ``mask_words(vocab_size)`` entries.
        """
        self._matcher.unsafe_compute_mask_ptr(words.ctypes.data, words.nbytes)
        self._require_sane()

    def accept(self, token: int) -> None:
        """A token was chosen.

        Raises:
            EngineError: The grammar does not allow it.
        """
        self._matcher.consume_token(token)
        self._require_sane()

    def count_allowed(self, tokens: Sequence[int]) -> int:
        """The number of tokens, from the first on, that the grammar allows in sequence."""
        return int(self._matcher.validate_tokens(list(tokens)))

    def forced(self) -> list[int]:
        """The tokens that must come next; often none."""
        return list(self._matcher.compute_ff_tokens())

    def copy(self) -> Matcher:
        """A copy in the same state."""
        other = Matcher.__new__(Matcher)
        other._matcher = self._matcher.deep_copy()  # noqa: SLF001 - one of its own kind
        return other

    def rewind(self, count: int) -> None:
        """Take back the last accepted tokens."""
        if count:
            self._matcher.rollback(count)
            self._require_sane()

    @property
    def is_complete(self) -> bool:
        """Whether the text so far satisfies the grammar."""
        return bool(self._matcher.is_accepting())

    @property
    def is_free(self) -> bool:
        """Never: a grammar's mask has to be computed."""
        return False

    @property
    def is_over(self) -> bool:
        """Whether only an end-of-generation token may follow."""
        return bool(self._matcher.is_stopped())

    def _require_sane(self) -> None:
        if self._matcher.is_error():
            reason = self._matcher.get_error().splitlines()[0]
            raise EngineError(
                f"The constraint could not be followed any further: {reason}",
                hint="Simplify the schema or the grammar.",
            )
