"""How likely drafts are right, by what was learned from earlier ones of the same generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import mul

from coblyn.engine.lookup import GRAM, Match

__all__ = ["Foresight", "Trust", "num_equal"]

_LEARNING = 0.15
"""Weight of the newest outcome."""

_RECOVERY = 0.01
"""Part of the way back to certainty that a rate takes at each step, so that drafts are tried again."""

_FIRST_PROBE, _RAREST_PROBE = 8, 512

_RAREST_FIRST = 128
"""The most drafts that a new generation skips first: its text may be easier to guess than those before."""

_NEAR = 8
"""Number of drafts to be skipped yet at which prediction heads begin to follow a text."""

_FIRST_RATES = (0.4, 0.5, 0.65, 0.8, 0.9)
"""Assumed fractions of right tokens until some are known, by the range of the match's length."""


@dataclass(slots=True)
class Trust:
    """The acceptance of a draft model's drafts, which are known only if they are computed.

    Attributes:
        rate: Fraction of accepted drafts, weighted towards the latest.
        num_skipped: Number of drafts skipped since the last one that was tried.
        patience: Number of drafts to skip, while they do not pay, before one is tried again.
        pays: Whether the latest drafts were expected to pay.
        is_due: Whether one is tried in this step although it is not expected to pay.
    """

    rate: float = 0.5
    num_skipped: int = 0
    patience: int = _FIRST_PROBE
    pays: bool = False
    is_due: bool = False

    @property
    def is_near(self) -> bool:
        """Whether drafts pay now, or one is tried now or soon."""
        return self.pays or self.is_due or self.patience - self.num_skipped <= _NEAR

    def passed_on(self) -> Trust:
        """What the next generation should begin with."""
        return Trust(self.rate, self.num_skipped, min(self.patience, _RAREST_FIRST), self.pays)

    def learn(self, num_drafts: int, num_right: int) -> None:
        """Record how many drafts were accepted."""
        self.is_due = False
        for is_right in [True] * num_right + [False] * (num_right < num_drafts):
            self.rate += _LEARNING * (is_right - self.rate)
        if not num_right:
            self.patience = min(2 * self.patience, _RAREST_PROBE)
            return
        self.rate = max(self.rate, 0.5)
        if self.pays:
            self.patience = _FIRST_PROBE
        else:
            self.num_skipped = self.patience  # the next one is tried at once, until one is wrong

    def use(self) -> None:
        """Begin drafts that are expected to pay."""
        self.num_skipped, self.pays = 0, True

    def wait(self) -> bool:
        """Skip a draft that does not pay; False if it is time to try one anyway."""
        self.pays = False
        self.num_skipped += 1
        self.is_due = self.num_skipped >= self.patience
        if self.is_due:
            self.num_skipped = 0
        return not self.is_due

    def chances(self, count: int) -> list[float]:
        """Probability that the first 1, 2, ... ``count`` drafts are all right."""
        return list(accumulate([self.rate] * count, mul))


@dataclass(slots=True)
class Foresight:
    """The acceptance of what lookup finds, which costs nothing to know: the text is compared with it, tried or not.

    The longer a match is, the more likely it goes on, so each range of lengths has a rate of its own.

    Attributes:
        rates: Fraction of right tokens, weighted towards the latest, after a match of 3, of 4 to 5, 6 to 9, 10 to 17,
            and of more tokens.
        passing: How often a right draft was also checked: under a constraint, checking ends where tokens are forced.
    """

    rates: list[float] = field(default_factory=lambda: list(_FIRST_RATES))
    passing: float = 1.0
    _expected: Match = field(default=Match((), 0))
    _place: int = 0

    def compare(self, cells: Sequence[int], found: Match) -> None:
        """Learn from the text up to now, and remember what is found for its continuation."""
        self.passing += _RECOVERY * (1 - self.passing)
        tokens, length = self._expected
        actual = cells[self._place : self._place + len(tokens)]
        num_same = num_equal(tokens, actual)
        for place in range(num_same):
            self._learn(length + place, is_right=True)
        if num_same < len(actual):
            self._learn(length + num_same, is_right=False)
        if num_same == len(actual) < len(tokens) and self._place + num_same == len(cells):
            self._expected = Match(tokens[num_same:], length + num_same)
        else:
            self._expected = found
        self._place = len(cells)

    def note_checks(self, num_right: int, num_checked: int) -> None:
        """Record how many of a step's right drafts, in a row from the first one on, were checked."""
        for was_checked in [True] * num_checked + [False] * (num_checked < num_right):
            self.passing += _LEARNING * (was_checked - self.passing)

    def chances(self, length: int, count: int) -> list[float]:
        """Probability that the first 1, 2, ... ``count`` tokens after a match of some length are all used."""
        passing = self.passing
        rates = (passing * self.rates[_range_of(length + place)] for place in range(count))
        return list(accumulate(rates, mul))

    def _learn(self, length: int, *, is_right: bool) -> None:
        place = _range_of(length)
        self.rates[place] += _LEARNING * (is_right - self.rates[place])


def num_equal(tokens: Sequence[int], others: Sequence[int]) -> int:
    """Number of equal tokens at the beginning of both."""
    pairs = enumerate(zip(tokens, others, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(tokens), len(others)))


def _range_of(length: int) -> int:
    """The range that a match's length is in."""
    return min((length - GRAM + 1).bit_length() - 1, len(_FIRST_RATES) - 1)
