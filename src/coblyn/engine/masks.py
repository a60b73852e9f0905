"""The constraints of running requests, and the mask for each one's next token.

A mask depends only on the tokens chosen so far, not on decoding. So it is computed on another thread while the next
step decodes, and is awaited before a token is drawn. With a very ambiguous grammar this can take hours; then its
request ends, and no other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from llguidance import LLTokenizer
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.lazy import LazyMatcher
from coblyn.constraints.lexicon import Lexicon
from coblyn.constraints.mask import OWN_MASKS, Mask
from coblyn.constraints.matcher import mask_words
from coblyn.constraints.matchers import Matchers
from coblyn.constraints.vocabulary import Vocabulary, make_tokenizer
from coblyn.engine.workers import TookTooLong, Workers
from coblyn.errors import Busy, ConstraintRefused, EngineError

__all__ = ["BoundText", "Masks", "Words"]

Words = NDArray[np.uint32]

_SLOW = 0.05
"""Seconds above which a mask counts as slow; then accepting a token may be slow too."""

_NUM_THREADS = 4
"""Number of masks computed concurrently; nearly all take less than a millisecond."""

_MAX_GIVEN_UP = 2
"""Maximum number of abandoned masks still being computed before new constraints are refused."""


@dataclass(slots=True)
class BoundText:
    """A text under a constraint, and the mask for its next token.

    Attributes:
        matcher: The text's state under its constraint.
        words: The mask.
        filled: Completes when the mask is ready.
        is_free: Any token may come next, so the mask is neither computed nor read.
        forced: If the mask allows a single token, that token and those that must follow it.
        is_slow: Its last mask took long, so accepting a token may take long too.
        is_refused: Tokens were forced on it that its grammar does not allow.
        ahead: The masks of a row with drafts, one per place; None for a row without drafts.
    """

    matcher: Mask
    words: Words
    filled: Future[None]
    is_free: bool = False
    forced: list[int] = field(default_factory=list)
    is_slow: bool = False
    ahead: Words | None = None
    is_refused: bool = False

    def fail(self, error: EngineError) -> None:
        """Record that the constraint cannot be followed any further."""
        self.filled = Future()
        self.filled.set_exception(error)

    def fill(self) -> None:
        """Compute the mask."""
        began = time.monotonic()
        self.matcher.fill(self.words)
        self.forced = self.matcher.forced() if _is_single(self.words) else []
        self.is_slow = time.monotonic() - began > _SLOW

    def look_ahead(self, filled: Future[None], drafts: Sequence[int], may_leap: bool) -> None:
        """Compute a mask after each draft, as far as the grammar allows the drafts.

        Stops at a place where several tokens are forced, since only the first of them is drawn.

        Args:
            filled: Completes when the mask for the next token is ready.
            drafts: Token ids.
            may_leap: Whether forced tokens are accepted without being drawn.
        """
        filled.result()
        masks = np.full((len(drafts) + 1, len(self.words)), 0xFFFFFFFF, np.uint32)
        if not self.is_free:
            masks[0] = self.words
        num_taken = num_masks = 0
        while num_masks < len(drafts) and not (may_leap and len(self.forced) > 1):
            token = drafts[num_masks]
            if not masks[num_masks, token // 32] >> np.uint32(token % 32) & 1:
                break
            self.matcher.accept(token)
            num_taken += 1
            if self.matcher.is_over:
                break
            num_masks += 1
            if not self.matcher.is_free:
                self.matcher.fill(masks[num_masks])
            is_single = may_leap and _is_single(masks[num_masks])
            self.forced = self.matcher.forced() if is_single else []
        self.matcher.rewind(num_taken)
        self.ahead = masks[: num_masks + 1]

    def accept_and_fill(self, token: int) -> None:
        """Accept a token, and compute the mask after it."""
        self.matcher.accept(token)
        self.fill()


def _begin(
    constraint: Constraint,
    matchers: Matchers,
    tokenizer: LLTokenizer,
    lexicon: Lexicon | None,
    num_words: int,
    begun: list[BoundText],
) -> None:
    """Begin a text, and append it to a list."""
    plain = matchers.get(tokenizer, constraint)
    begun.append(_bound(LazyMatcher(lexicon, plain, constraint) if lexicon else plain, num_words))


def _bound(mask: Mask, num_words: int) -> BoundText:
    filled: Future[None] = Future()
    filled.set_result(None)
    text = BoundText(mask, np.zeros(num_words, np.uint32), filled, mask.is_free)
    text.fill()
    return text


def _is_single(words: Words) -> bool:
    """Whether a mask allows exactly one token."""
    (places,) = words.nonzero()
    return len(places) == 1 and int(words[places[0]]).bit_count() == 1


class Masks:
    """The constraints of a runner's requests.

    Any thread may call ``begin``, only the engine thread everything else.

    Args:
        read_vocabulary: Reads the model's vocabulary; called once, for the first constraint.
        vocab_size: Number of tokens in the vocabulary.
        max_seconds: Maximum time for one mask, or for reading one grammar.
    """

    def __init__(
        self, read_vocabulary: Callable[[], Vocabulary], vocab_size: int, max_seconds: float = 5.0
    ) -> None:
        self._read_vocabulary = read_vocabulary
        self._vocab_size = vocab_size
        self._num_words = mask_words(vocab_size)
        self._vocabulary: Vocabulary | None = None
        self._tokenizer: LLTokenizer | None = None
        self._lexicon: Lexicon | None = None
        self._matchers = Matchers()
        self._lock = threading.Lock()
        self._open: dict[str, BoundText] = {}
        self._workers = Workers("coblyn-masks", _NUM_THREADS, max_seconds)

    def begin(self, constraint: Constraint) -> BoundText:
        """Begin a text, and compute its first mask.

        Raises:
            ConstraintRefused: The constraint is invalid or cannot be enforced, or reading it takes too long.
            EngineError: It is too large for llguidance.
            Busy: Too many abandoned constraints are still being computed.
        """
        if self._workers.num_given_up >= _MAX_GIVEN_UP:
            raise Busy(
                "Earlier constraints keep the processor busy.",
                hint="Try again in a minute.",
            )
        if make := OWN_MASKS.get(constraint.syntax):
            return _bound(make(constraint.text, self._vocab_size), self._num_words)
        tokenizer, lexicon = self._shared_tokenizer(), self._shared_lexicon(constraint)
        begun: list[BoundText] = []
        begin = partial(
            _begin, constraint, self._matchers, tokenizer, lexicon, self._num_words, begun
        )
        try:
            self._workers.submit(begin).result()
        except TookTooLong as error:
            raise ConstraintRefused(
                f"The constraint is too ambiguous or too large. {error.message}",
                field=constraint.named,
                hint="Simplify the schema or the grammar, or allow more time (constraint_seconds).",
            ) from error
        return begun[0]

    def open(self, request_id: str, text: BoundText) -> None:
        """Register the text that ``begin`` gave for a request."""
        self._open[request_id] = text

    def words(self, request_id: str) -> Words | None:
        """The mask for a request's next token, as ``Matcher.fill`` writes it; None if any token may come.

        It may not be ready yet: call ``wait`` before reading it.
        """
        found = self._open.get(request_id)
        return found.words if found and not found.is_free else None

    def words_without(self, request_id: str, banned: Sequence[int]) -> Words | None:
        """The same mask without some tokens; it must be ready. Without a constraint, all other tokens are allowed."""
        words = self.words(request_id)
        if not banned:
            return words
        left = np.full(self._num_words, 0xFFFFFFFF, np.uint32) if words is None else words.copy()
        for token in banned:
            left[token // 32] &= np.uint32(~(1 << token % 32) & 0xFFFFFFFF)
        return left

    def __contains__(self, request_id: str) -> bool:
        """Whether a request has a constraint."""
        return request_id in self._open

    def look_ahead(self, request_id: str, drafts: Sequence[int], *, may_leap: bool) -> None:
        """Start computing the masks after drafts; texts with slow masks use no drafts."""
        found = self._open[request_id]
        if found.is_slow:
            drafts = ()
        look = partial(found.look_ahead, found.filled, drafts, may_leap)
        found.filled = self._workers.submit(look)

    def ahead(self, request_id: str) -> Words:
        """The masks that ``look_ahead`` computed: for the next token, and after each draft that the grammar allows.

        It may not be ready yet: call ``wait`` before reading it.
        """
        masks = self._open[request_id].ahead
        assert masks is not None, "it looked ahead"
        return masks

    def wait(self, request_id: str) -> bool:
        """Wait until a request's mask is ready; False if its grammar exceeds the limits of time or size."""
        return self._open[request_id].filled.exception() is None

    def late(self, request_ids: Iterable[str], seconds: float) -> list[str]:
        """The requests whose masks are not ready after waiting ``seconds`` for all of them."""
        filled = {self._open[request_id].filled: request_id for request_id in request_ids}
        waiting = wait(filled, seconds).not_done
        return [request_id for future, request_id in filled.items() if future in waiting]

    def when_filled(self, request_ids: Iterable[str], tell: Callable[[], None]) -> None:
        """Call a function, on any thread, as soon as one of these masks is ready."""
        for request_id in request_ids:
            self._open[request_id].filled.add_done_callback(lambda _: tell())

    def accept(self, request_id: str, token: int) -> bool:
        """Accept the drawn token, and start computing the next mask.

        Returns:
            Whether the text is over, so that only a token that ends the generation may follow. False for slow texts;
            there the next mask says so.

        Raises:
            EngineError: The grammar does not allow it, or exceeds llguidance's limits. For slow texts, ``wait`` reports
                this.
        """
        found = self._open[request_id]
        found.filled.exception()  # llguidance's matcher allows one thread at a time
        if found.is_slow:
            found.is_free = False  # or it is not known yet
            found.filled = self._workers.submit(partial(found.accept_and_fill, token))
            return False
        found.matcher.accept(token)
        if found.matcher.is_over:
            return True
        self._fill(found)
        return False

    def follow(self, request_id: str, token: int, *, may_leap: bool) -> tuple[Sequence[int], bool]:
        """Accept the drawn token, as ``accept`` does, and all forced tokens after it.

        Args:
            request_id: A request with a constraint.
            token: The drawn token.
            may_leap: If false, forced tokens are left to be drawn.

        Returns:
            The forced tokens, and whether the text is over after them.

        Raises:
            EngineError: See ``accept``.
        """
        found = self._open[request_id]
        found.filled.exception()  # llguidance's matcher allows one thread at a time
        following: list[int] = []
        if may_leap and not found.is_slow and found.forced[:1] == [token]:
            following = found.forced[1:]
        for each in following:
            found.matcher.accept(token)
            token = each
        return following, self.accept(request_id, token)

    def follow_all(
        self, request_id: str, tokens: Sequence[int], *, may_leap: bool
    ) -> tuple[Sequence[int], bool]:
        """Accept all tokens drawn for a row: the accepted drafts, and one more.

        Returns:
            As ``follow``, for the last token.

        Raises:
            EngineError: See ``accept``.
        """
        found = self._open[request_id]
        found.filled.exception()  # llguidance's matcher allows one thread at a time
        if found.ahead is not None and len(tokens) < len(found.ahead):
            found.forced = []  # they are for a place that was not reached
        found.ahead = None
        for token in tokens[:-1]:
            found.matcher.accept(token)
        return self.follow(request_id, tokens[-1], may_leap=may_leap)

    def rewind(self, request_id: str, count: int) -> None:
        """Take back the last drawn tokens; a request without a constraint is not an error.

        If its grammar cannot go back, ``wait`` reports this, which ends this request only.
        """
        found = self._open.get(request_id)
        if found is None or not count:
            return
        if found.filled.exception():  # an abandoned computation may still use the matcher
            return
        try:
            found.matcher.rewind(count)
        except EngineError as error:
            found.fail(error)
        else:
            self._fill(found)

    def force(self, request_id: str, tokens: Sequence[int]) -> None:
        """Accept tokens that were not drawn; a request without a constraint is not an error.

        If its grammar does not allow them, ``wait`` reports this.
        """
        found = self._open.get(request_id)
        if found is None or not tokens or found.filled.exception():
            return
        try:
            for token in tokens:
                found.matcher.accept(token)
        except EngineError as error:
            found.fail(error)
            found.is_refused = True
        else:
            self._fill(found)

    def is_refused(self, request_id: str) -> bool:
        """Whether tokens were forced on a request that its grammar does not allow."""
        return self._open[request_id].is_refused

    def forget(self, request_id: str) -> None:
        """Remove a finished request; one without a constraint is not an error."""
        self._open.pop(request_id, None)

    def close(self) -> None:
        """End the threads."""
        self._workers.close()

    def _fill(self, text: BoundText) -> None:
        text.is_free, text.forced, text.ahead = text.matcher.is_free, [], None
        if not text.is_free:
            text.filled = self._workers.submit(text.fill)

    def _shared_tokenizer(self) -> LLTokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = make_tokenizer(self._shared_vocabulary())
            return self._tokenizer

    def _shared_lexicon(self, constraint: Constraint) -> Lexicon | None:
        if not constraint.is_lazy:
            return None
        with self._lock:
            if self._lexicon is None:
                self._lexicon = Lexicon(self._shared_vocabulary())
            return self._lexicon

    def _shared_vocabulary(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = self._read_vocabulary()
        return self._vocabulary
