"""Matches text that is free until a trigger and follows a grammar from there on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.lexicon import Lexicon
from coblyn.constraints.matcher import Matcher
from coblyn.constraints.quiet import Quiet, Silence
from coblyn.constraints.triggers import Triggers
from coblyn.errors import ConstraintRefused, EngineError

__all__ = ["LazyMatcher"]


class _Place(NamedTuple):
    """The state of a text: after a tail of free text, or in a matcher; and whether it may end while free.

    ``silence`` says whether triggers have no effect there.
    """

    matcher: Matcher | None
    tail: bytes
    may_end: bool
    silence: Silence = Silence(is_quiet=False)


class LazyMatcher:
    """Computes which tokens may come next. Not thread-safe.

    In free text, all tokens are allowed except those that complete a trigger and continue with something the grammar
    does not allow. So the constrained part is correct from its first byte, regardless of token boundaries.

    Args:
        lexicon: The model's lexicon.
        matcher: A matcher at the beginning of a constrained part; copied for each part.
        constraint: Says where constrained parts begin.

    Raises:
        ConstraintRefused: The grammar should include the triggers but does not begin with them.
    """

    def __init__(self, lexicon: Lexicon, matcher: Matcher, constraint: Constraint) -> None:
        self._lexicon = lexicon
        self._first = matcher
        self._triggers = Triggers(constraint.triggers, is_included=constraint.includes_trigger)
        self._repeats = constraint.repeats
        self._quiet = Quiet(constraint.quiet)
        silence = Silence(constraint.starts_quiet)
        self._place = _Place(None, b"", not constraint.is_required, silence)
        self._before: list[_Place] = []
        if constraint.includes_trigger:
            for trigger in constraint.triggers:
                if self._begin(trigger.encode()) is None:
                    raise ConstraintRefused(
                        f"The grammar does not allow the trigger {trigger!r}.", field="triggers"
                    )
        # Any text before them.
        self._never = self._wrong(b"", self._triggers.holding(lexicon))

    def fill(self, words: NDArray[np.uint32]) -> None:
        """Write the mask for the next token, as ``Matcher.fill`` does."""
        matcher, tail, may_end, silence = self._place
        if matcher:
            matcher.fill(words)
            return
        words.fill(0xFFFFFFFF)
        wrong = frozenset[int]()
        if not silence.is_quiet:
            wrong = self._never | self._wrong(tail, self._triggers.crossing(tail, self._lexicon))
        for token in wrong if may_end else wrong.union(self._lexicon.end_ids):
            words[token // 32] &= np.uint32(~(1 << token % 32) & 0xFFFFFFFF)

    def accept(self, token: int) -> None:
        """Accept the chosen token.

        Raises:
            EngineError: The grammar does not allow it.
        """
        self._before.append(self._place)
        matcher = self._place.matcher
        if matcher is None:
            self._place = self._behind(self._place, self._lexicon.pieces[token])
            return
        matcher.accept(token)
        if self._repeats and matcher.is_over and token not in self._lexicon.end_ids:
            self._place = _Place(None, b"", True)

    def forced(self) -> list[int]:
        """The tokens that must come next; often none."""
        matcher = self._place.matcher
        return matcher.forced() if matcher else []

    def rewind(self, count: int) -> None:
        """Take back the last accepted tokens."""
        if not count:
            return
        if count > len(self._before):
            raise EngineError("More tokens were taken back than were drawn.")
        gone = self._before[-count:]
        del self._before[-count:]
        self._place = gone[0]
        matcher = self._place.matcher
        if matcher:
            matcher.rewind(sum(each.matcher is matcher for each in gone))

    @property
    def is_free(self) -> bool:
        """Whether any token may come next."""
        matcher, tail, may_end, silence = self._place
        is_loud = bool(tail or self._never) and not silence.is_quiet
        return matcher is None and may_end and not is_loud

    @property
    def is_over(self) -> bool:
        """Whether only an end-of-generation token may follow."""
        return self._place.matcher is not None and self._place.matcher.is_over

    def _behind(self, place: _Place, piece: bytes) -> _Place:
        tail, may_end = place.tail, place.may_end
        begun = None if place.silence.is_quiet else self._triggers.begun(tail, piece)
        if begun is None:
            silence, loud = self._quiet.behind(place.silence, piece)
            if place.silence.is_quiet and loud:
                return self._behind(_Place(None, b"", may_end), loud)
            tail = b"" if silence.is_quiet else self._triggers.tail(tail + piece)
            return _Place(None, tail, may_end, silence)
        matcher = self._begin(begun)
        if matcher is None:
            raise EngineError("The constraint does not allow what follows its trigger.")
        if matcher.is_over and self._repeats:
            return _Place(None, b"", True)
        return _Place(matcher, b"", True)

    def _begin(self, begun: bytes) -> Matcher | None:
        """A constrained part after its first bytes; None if it cannot begin with them."""
        tokens = self._cut(begun)
        if tokens is None:
            return None
        matcher = self._first.copy()
        for token in tokens:
            matcher.accept(token)
        return matcher

    def _wrong(self, tail: bytes, tokens: Iterable[int]) -> frozenset[int]:
        """The tokens that cannot follow a tail."""
        return frozenset(token for token in tokens if not self._fits(tail, token))

    def _fits(self, tail: bytes, token: int) -> bool:
        begun = self._triggers.begun(tail, self._lexicon.pieces[token])
        return not begun or self._cut(begun) is not None

    def _cut(self, begun: bytes) -> list[int] | None:
        """Tokens for the first bytes of a constrained part; None if they are not allowed."""
        tokens = self._lexicon.cut(begun)
        if tokens is None or self._first.count_allowed(tokens) < len(tokens):
            return None
        return tokens
