"""The constraints of the requests that run, and the mask for each one's next token.

A mask depends on the tokens that were chosen and on nothing that is decoded; so it is computed on a thread of its own
while the next step is decoded, and waited for before a token is drawn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from llguidance import LLTokenizer
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.grammar import grammar_of
from coblyn.constraints.matcher import Matcher, mask_words

__all__ = ["BoundText", "Masks"]

Words = NDArray[np.uint32]


@dataclass(slots=True)
class BoundText:
    """A text under a constraint, and the mask for its next token.

    Attributes:
        matcher: Where the text is in its grammar.
        words: The mask.
        filled: Done when the mask is complete.
    """

    matcher: Matcher
    words: Words
    filled: Future[None]


def _go_back(text: BoundText, count: int) -> None:
    text.matcher.rewind(count)
    text.matcher.fill(text.words)


class Masks:
    """The constraints of one runner's requests.

    ``begin`` may be called from any thread, everything else only from the engine's.

    Args:
        make_tokenizer: Makes the model's tokenizer, once, when the first constraint comes.
        vocab_size: Tokens of the vocabulary.
    """

    def __init__(self, make_tokenizer: Callable[[], LLTokenizer], vocab_size: int) -> None:
        self._make_tokenizer = make_tokenizer
        self._num_words = mask_words(vocab_size)
        self._tokenizer: LLTokenizer | None = None
        self._lock = threading.Lock()
        self._open: dict[str, BoundText] = {}
        self._thread = ThreadPoolExecutor(1, "coblyn-masks")

    def begin(self, constraint: Constraint) -> BoundText:
        """Begin a text, and compute its first mask.

        Raises:
            ConstraintRefused: The constraint is wrong or cannot be enforced.
            EngineError: It is too large for llguidance.
        """
        matcher = Matcher(self._shared_tokenizer(), grammar_of(constraint))
        words = np.zeros(self._num_words, np.uint32)
        matcher.fill(words)
        filled: Future[None] = Future()
        filled.set_result(None)
        return BoundText(matcher, words, filled)

    def open(self, request_id: str, text: BoundText) -> None:
        """Take up what ``begin`` gave for a request."""
        self._open[request_id] = text

    def words(self, request_id: str) -> Words | None:
        """The mask for a request's next token, as ``Matcher.fill`` writes it; None where it has no constraint.

        It may still be on its way: ``wait`` before it is read.
        """
        found = self._open.get(request_id)
        return found.words if found else None

    def __contains__(self, request_id: str) -> bool:
        """Whether a request has a constraint."""
        return request_id in self._open

    def wait(self, request_id: str) -> bool:
        """Wait until the mask of a request is there; False if its grammar is beyond llguidance's limits."""
        return self._open[request_id].filled.exception() is None

    def accept(self, request_id: str, token: int) -> bool:
        """Take note of the token that was drawn, and begin to compute the next mask.

        Returns:
            Whether the text is over: nothing may follow but a token that ends the generation.

        Raises:
            EngineError: The grammar does not allow it, or is beyond llguidance's limits.
        """
        found = self._open[request_id]
        found.filled.exception()  # one thread at a time
        found.matcher.accept(token)
        if found.matcher.is_over:
            return True
        found.filled = self._thread.submit(found.matcher.fill, found.words)
        return False

    def rewind(self, request_id: str, count: int) -> None:
        """The last tokens that were drawn are given back; a request without a constraint is no error.

        If its grammar cannot go back, ``wait`` says so: that ends this request, and no other.
        """
        found = self._open.get(request_id)
        if found is not None:
            found.filled.exception()  # one thread at a time
            found.filled = self._thread.submit(_go_back, found, count)

    def forget(self, request_id: str) -> None:
        """The request is over; one without a constraint is no error."""
        found = self._open.pop(request_id, None)
        if found is not None:
            found.filled.cancel()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _shared_tokenizer(self) -> LLTokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = self._make_tokenizer()
            return self._tokenizer
