"""The constraints of the requests that run, and the mask for each one's next token.

A mask depends on the tokens that were chosen and on nothing that is decoded; so it is computed on a thread of its own
while the next step is decoded, and waited for before a token is drawn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
from llguidance import LLTokenizer
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.grammar import grammar_of
from coblyn.constraints.lazy import LazyMatcher
from coblyn.constraints.lexicon import Lexicon
from coblyn.constraints.matcher import Matcher, mask_words
from coblyn.constraints.vocabulary import Vocabulary, make_tokenizer
from coblyn.errors import EngineError

__all__ = ["BoundText", "Masks"]

Words = NDArray[np.uint32]


@dataclass(slots=True)
class BoundText:
    """A text under a constraint, and the mask for its next token.

    Attributes:
        matcher: Where the text is in its grammar.
        words: The mask.
        filled: Done when the mask is complete.
        is_free: Any token may come next: the mask is not looked at, and not computed.
    """

    matcher: Matcher | LazyMatcher
    words: Words
    filled: Future[None]
    is_free: bool = False


def _is_free(matcher: Matcher | LazyMatcher) -> bool:
    return isinstance(matcher, LazyMatcher) and matcher.is_free


class Masks:
    """The constraints of one runner's requests.

    ``begin`` may be called from any thread, everything else only from the engine's.

    Args:
        read_vocabulary: Reads the model's vocabulary, once, when the first constraint comes.
        vocab_size: Tokens of the vocabulary.
    """

    def __init__(self, read_vocabulary: Callable[[], Vocabulary], vocab_size: int) -> None:
        self._read_vocabulary = read_vocabulary
        self._num_words = mask_words(vocab_size)
        self._vocabulary: Vocabulary | None = None
        self._tokenizer: LLTokenizer | None = None
        self._lexicon: Lexicon | None = None
        self._lock = threading.Lock()
        self._open: dict[str, BoundText] = {}
        self._thread = ThreadPoolExecutor(1, "coblyn-masks")

    def begin(self, constraint: Constraint) -> BoundText:
        """Begin a text, and compute its first mask.

        Raises:
            ConstraintRefused: The constraint is wrong or cannot be enforced.
            EngineError: It is too large for llguidance.
        """
        matcher = self._matcher(constraint)
        words = np.zeros(self._num_words, np.uint32)
        matcher.fill(words)
        filled: Future[None] = Future()
        filled.set_result(None)
        return BoundText(matcher, words, filled, _is_free(matcher))

    def _matcher(self, constraint: Constraint) -> Matcher | LazyMatcher:
        matcher = Matcher(self._shared_tokenizer(), grammar_of(constraint))
        if not constraint.is_lazy:
            return matcher
        return LazyMatcher(self._shared_lexicon(), matcher, constraint)

    def open(self, request_id: str, text: BoundText) -> None:
        """Take up what ``begin`` gave for a request."""
        self._open[request_id] = text

    def words(self, request_id: str) -> Words | None:
        """The mask for a request's next token, as ``Matcher.fill`` writes it; None where any token may come.

        It may still be on its way: ``wait`` before it is read.
        """
        found = self._open.get(request_id)
        return found.words if found and not found.is_free else None

    def __contains__(self, request_id: str) -> bool:
        """Whether a request has a constraint."""
        return request_id in self._open

    def wait(self, request_id: str) -> bool:
        """Wait until the mask of a request is there; False if its grammar is beyond llguidance's limits."""
        return self._open[request_id].filled.exception() is None

    def late(self, request_ids: Iterable[str], seconds: float) -> list[str]:
        """The requests whose masks are not there, after so long a wait for all of them."""
        filled = {self._open[request_id].filled: request_id for request_id in request_ids}
        waiting = wait(filled, seconds).not_done
        return [request_id for future, request_id in filled.items() if future in waiting]

    def when_filled(self, request_ids: Iterable[str], tell: Callable[[], None]) -> None:
        """Call a function, on some thread, as soon as the mask of any of these is there."""
        for request_id in request_ids:
            self._open[request_id].filled.add_done_callback(lambda _: tell())

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
        self._fill(found)
        return False

    def rewind(self, request_id: str, count: int) -> None:
        """The last tokens that were drawn are given back; a request without a constraint is no error.

        If its grammar cannot go back, ``wait`` says so: that ends this request, and no other.
        """
        found = self._open.get(request_id)
        if found is None:
            return
        found.filled.exception()  # one thread at a time
        try:
            found.matcher.rewind(count)
        except EngineError as error:
            found.filled = Future()
            found.filled.set_exception(error)
        else:
            self._fill(found)

    def forget(self, request_id: str) -> None:
        """The request is over; one without a constraint is no error."""
        found = self._open.pop(request_id, None)
        if found is not None:
            found.filled.cancel()

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _fill(self, text: BoundText) -> None:
        text.is_free = _is_free(text.matcher)
        if not text.is_free:
            text.filled = self._thread.submit(text.matcher.fill, text.words)

    def _shared_tokenizer(self) -> LLTokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = make_tokenizer(self._shared_vocabulary())
            return self._tokenizer

    def _shared_lexicon(self) -> Lexicon:
        with self._lock:
            if self._lexicon is None:
                self._lexicon = Lexicon(self._shared_vocabulary())
            return self._lexicon

    def _shared_vocabulary(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = self._read_vocabulary()
        return self._vocabulary
