"""How many tokens are guessed ahead: by what was right so far, and by what a larger step costs on this machine.

A row with drafts draws the same tokens as without them; only the time that it takes differs. So a wrong decision here
costs time and nothing else, and what is measured decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from coblyn.engine.lookup import Index, Library
from coblyn.engine.plan import Plan, Sampled, num_drawn

__all__ = ["MAX_DRAFTS", "Guesses", "Pace", "Speculation", "Trust"]

MAX_DRAFTS = 15
"""Most drafts of a row: a call draws one token more than that."""

_MIN_GAIN = 1.03
"""A row has drafts where they bring so many times the tokens per second, if the measurements are right."""

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
class Trust:
    """How far the drafts of one source were right, for one generation.

    Attributes:
        rate: Part of the drafts that were right, the latest counting most.
        num_skipped: Guesses that were not tried since the last one that was.
        patience: How many are skipped, while they are not worth their cost, before one is tried again.
    """

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

    def wait(self) -> bool:
        """Skip a guess that is not worth its cost; False if it is time to try one all the same."""
        self.num_skipped += 1
        if self.num_skipped < self.patience:
            return True
        self.num_skipped = 0
        return False


@dataclass(slots=True)
class Guesses:
    """What is known of the drafts of one generation.

    Attributes:
        index: Its text.
        lookup: How far what followed earlier was right.
        model: How far the draft model was right.
        source: Whose the latest drafts are.
    """

    index: Index
    lookup: Trust = field(default_factory=Trust)
    model: Trust = field(default_factory=Trust)
    source: Trust | None = None

    def learn(self, num_drafts: int, num_right: int) -> None:
        """So many of the latest drafts were right before one was wrong."""
        if self.source:
            self.source.learn(num_drafts, num_right)


class Speculation:
    """Guesses for all generations of an engine.

    Args:
        clock: Seconds.

    Attributes:
        pace: What steps cost here.
        model_pace: What steps cost with the time that the draft model took for them.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.pace = Pace()
        self.model_pace = Pace()
        self._clock = clock
        self._library = Library()
        self._began = 0.0
        self._model_drafts: Mapping[str, tuple[int, ...]] = {}
        self._uses_model = False

    def begin_step(self) -> None:
        """A step begins, with what a draft model guesses for it."""
        self._began = self._clock()

    def take(self, drafts: Mapping[str, tuple[int, ...]]) -> None:
        """What a draft model guessed for this step, by request."""
        self._model_drafts = drafts
        self._uses_model = False

    def begin_run(self) -> None:
        """The step is decided, and run now."""
        if not self._uses_model:
            self._began = self._clock()

    def note(self, plan: Plan, result: Sequence[Sequence[Sampled]]) -> None:
        """Learn what a step cost in which every row draws."""
        num_steps = 1 if any(row.drafts for row in plan.rows) else max(map(num_drawn, result))
        if num_steps:
            pace = self.model_pace if self._uses_model else self.pace
            pace.note(plan.num_tokens, (self._clock() - self._began) / num_steps)

    def begin(self, cells: list[int]) -> Guesses:
        """A generation begins; ``cells`` are its token ids, and grow."""
        return Guesses(Index(cells))

    def end(self, guesses: Guesses) -> None:
        """It is over; others may repeat it."""
        self._library.add(guesses.index)

    def drafts(
        self, request_id: str, guesses: Guesses, most: int, num_tokens: int
    ) -> tuple[int, ...]:
        """What a generation may go on with: as it did before, as far as that is worth trying, or as a draft model says.

        Args:
            request_id: Whose it is.
            guesses: Of the generation.
            most: Maximum number of tokens.
            num_tokens: Tokens of the step without these.
        """
        found = self._found(guesses, min(most, MAX_DRAFTS))
        if not found:
            guessed = self._model_drafts.get(request_id, ())[:most]
            guesses.source = guesses.model
            self._uses_model = self._uses_model or bool(guessed)
            return guessed
        guesses.source = guesses.lookup
        return found[: self._count(guesses.lookup, self.pace, len(found), num_tokens)]

    def num_wanted(self, guesses: Guesses, most: int, num_tokens: int) -> int:
        """How many tokens a draft model should guess; none where the text itself tells."""
        if self._found(guesses, 1):
            return 0
        return self._count(guesses.model, self.model_pace, min(most, MAX_DRAFTS), num_tokens)

    def _found(self, guesses: Guesses, most: int) -> tuple[int, ...]:
        return _without_media(self._library.after(guesses.index, most))

    def _count(self, trust: Trust, pace: Pace, most: int, num_tokens: int) -> int:
        """How many drafts are tried; now and then one, where they do not pay."""
        count = self._best_count(trust.rate, pace, most, num_tokens)
        if count == 0:
            return 0 if trust.wait() else 1
        trust.num_skipped = 0
        return count

    def _best_count(self, rate: float, pace: Pace, most: int, num_tokens: int) -> int:
        """How many drafts bring the most tokens per second."""
        alone = self.pace.seconds(num_tokens)
        if not alone:
            return most
        best, count = _MIN_GAIN * num_tokens / alone, 0
        for length in takewhile(lambda length: length <= most, _LENGTHS):
            expected = sum(rate**place for place in range(1, length + 1))
            cost = pace.seconds(num_tokens + length) or alone
            speed = (num_tokens + expected) / cost
            if speed > best:
                best, count = speed, length
        return count


def _without_media(tokens: Sequence[int]) -> tuple[int, ...]:
    end = next((place for place, token in enumerate(tokens) if token < 0), len(tokens))
    return tuple(tokens[:end])
