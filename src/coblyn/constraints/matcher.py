"""One text as it grows under a grammar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from numpy.typing import NDArray

from coblyn.errors import EngineError

__all__ = ["Matcher", "mask_words"]

# They bound what is made. How long that takes depends on how ambiguous a grammar is, so there is a limit of time
# as well (``engine/masks.py``); these see to it that what was given up does end.
_LIMITS = LLParserLimits(step_max_items=100_000, step_lexer_fuel=1_000_000)


def mask_words(vocab_size: int) -> int:
    """Words of 32 bits that a mask over a vocabulary has."""
    return (vocab_size + 31) // 32


class Matcher:
    """Says which tokens may come next. One thread at a time may use it.

    Args:
        tokenizer: Of the model that generates.
        grammar: What ``grammar_of`` gave.

    Raises:
        EngineError: The grammar is more than llguidance's limits allow.
    """

    def __init__(self, tokenizer: LLTokenizer, grammar: str) -> None:
        self._matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=_LIMITS)
        self._require_sane()

    def fill(self, words: NDArray[np.uint32]) -> None:
        """Write the mask for the next token: a bit is set where a token may be chosen, lowest bits first.

        Tokens that end the generation may be chosen where the text is complete. The interpreter's lock is free
        meanwhile.

        Args:
            words: uint32 of ``mask_words(vocab_size)`` entries, in one piece.
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
        """How many of some tokens, from the first on, the grammar allows one after the other."""
        return int(self._matcher.validate_tokens(list(tokens)))

    def forced(self) -> list[int]:
        """The tokens that come next whatever is drawn; often none."""
        return list(self._matcher.compute_ff_tokens())

    def copy(self) -> Matcher:
        """Another one at the same place of the same text."""
        other = Matcher.__new__(Matcher)
        other._matcher = self._matcher.deep_copy()  # noqa: SLF001 - one of its own kind
        return other

    def rewind(self, count: int) -> None:
        """Forget the last tokens that were accepted."""
        if count:
            self._matcher.rollback(count)
            self._require_sane()

    @property
    def is_complete(self) -> bool:
        """Whether the text satisfies the grammar as it stands."""
        return bool(self._matcher.is_accepting())

    @property
    def is_free(self) -> bool:
        """Never: a grammar's mask has to be computed."""
        return False

    @property
    def is_over(self) -> bool:
        """Whether nothing may follow but a token that ends the generation."""
        return bool(self._matcher.is_stopped())

    def _require_sane(self) -> None:
        if self._matcher.is_error():
            reason = self._matcher.get_error().splitlines()[0]
            raise EngineError(
                f"The constraint could not be followed any further: {reason}",
                hint="Simplify the schema or the grammar.",
            )
