"""How many tokens are guessed ahead: by what was right so far, and by what a larger step costs on this machine.

A row with drafts draws the same tokens as without them; only the time that it takes differs. So a wrong decision here
costs time and nothing else, and what is measured decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from coblyn.engine.lookup import Index, Library

__all__ = ["MAX_DRAFTS", "Guesses", "Pace", "Speculation"]

MAX_DRAFTS = 15
"""Most drafts of a row: a call draws one token more than that."""

_MIN_GAIN = 1.03
"""A row has drafts where they bring so many times the tokens a second, if the measurements are right."""

_STEEPNESS = 0.1
"""What a further token is taken to add to a step, as a part of it, until it is measured."""

_TRUSTED = 3
"""Measurements of which the mean is believed."""

_LENGTHS = (1, 2, 3, 7, 15)
"""Numbers of drafts that are considered: few, so that what each costs is soon known."""

_LEARNING = 0.15
"""Weight of the newest measurement."""

_FIRST_PROBE, _RAREST_PROBE = 8, 512


class Pace:
    """Seconds of a step, by the tokens that it decodes."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._counts: dict[int, int] = {}

    def note(self, num_tokens: int, seconds: float) -> None:
        """A step took so long."""
        known = self._seconds.get(num_tokens, seconds)
        # What other programs disturbed counts as if it had been a little late.
        seconds = min(seconds, 2 * known) if known else seconds
        self._seconds[num_tokens] = known + _LEARNING * (seconds - known)
        self._counts[num_tokens] = self._counts.get(num_tokens, 0) + 1

    def seconds(self, num_tokens: int) -> float:
        """What a step will take; 0 while nothing is known.

        What was seldom measured is taken for fast, so that it is tried.
        """
        known = self._seconds
        count = min(self._counts.get(num_tokens, 0), _TRUSTED)
        if count == _TRUSTED:
            return known[num_tokens]
        below = max((n for n in known if n < num_tokens), default=0)
        above = min((n for n in known if n > num_tokens), default=0)
        if not below:
            return known.get(num_tokens, known.get(above, 0.0))
        guess = known[below] * (1 + _STEEPNESS * (num_tokens - below))
        guess = min(guess, known[above]) if above else guess
        measured = known.get(num_tokens, guess)
        return guess + count / _TRUSTED * (measured - guess)


@dataclass(slots=True)
class Guesses:
    """What is known of the drafts of one generation.

    Attributes:
        index: Its text.
        rate: Part of the drafts that were right, the latest counting most.
        num_skipped: Guesses that were not tried since the last one that was.
        patience: How many are skipped, while they are not worth their cost, before one is tried again.
    """

    index: Index
    rate: float = 0.5
    num_skipped: int = 0
    patience: int = _FIRST_PROBE

    def learn(self, num_drafts: int, num_right: int) -> None:
        """So many of the drafts were right before one was wrong."""
        for is_right in [True] * num_right + [False] * (num_right < num_drafts):
            self.rate += _LEARNING * (is_right - self.rate)
        if num_right:
            self.patience = _FIRST_PROBE
            self.rate = max(self.rate, 0.5)
        else:
            self.patience = min(2 * self.patience, _RAREST_PROBE)


class Speculation:
    """Guesses for all generations of an engine.

    Attributes:
        pace: What steps cost here.
    """

    def __init__(self) -> None:
        self.pace = Pace()
        self._library = Library()

    def begin(self, cells: list[int]) -> Guesses:
        """A generation begins; ``cells`` are its token ids, and grow."""
        return Guesses(Index(cells))

    def end(self, guesses: Guesses) -> None:
        """It is over; others may repeat it."""
        self._library.add(guesses.index)

    def drafts(self, guesses: Guesses, most: int, num_tokens: int) -> tuple[int, ...]:
        """What a generation may go on with, as far as it is worth trying.

        Args:
            guesses: Of the generation.
            most: Most tokens.
            num_tokens: Tokens of the step without these.
        """
        found = self._library.after(guesses.index, min(most, MAX_DRAFTS))
        tokens = _without_media(found)
        if not tokens:
            return ()
        count = self._best_count(guesses.rate, len(tokens), num_tokens)
        if count == 0:
            guesses.num_skipped += 1
            if guesses.num_skipped < guesses.patience:
                return ()
            count = 1
        guesses.num_skipped = 0
        return tokens[:count]

    def _best_count(self, rate: float, most: int, num_tokens: int) -> int:
        """How many drafts bring the most tokens a second."""
        alone = self.pace.seconds(num_tokens)
        if not alone:
            return most
        best, count = _MIN_GAIN * num_tokens / alone, 0
        for length in takewhile(lambda length: length <= most, _LENGTHS):
            expected = sum(rate**place for place in range(1, length + 1))
            speed = (num_tokens + expected) / self.pace.seconds(num_tokens + length)
            if speed > best:
                best, count = speed, length
        return count


def _without_media(tokens: Sequence[int]) -> tuple[int, ...]:
    end = next((place for place, token in enumerate(tokens) if token < 0), len(tokens))
    return tuple(tokens[:end])
