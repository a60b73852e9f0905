"""Decides how many tokens to draft, from past acceptance and from the measured cost of larger steps.

A row with drafts draws the same tokens as without them; only its duration differs. So a wrong decision costs nothing
but time, and measurements decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from coblyn.engine.lookup import Index, Library
from coblyn.engine.plan import Plan, Sampled, num_drawn

__all__ = ["MAX_DRAFTS", "Guesses", "Pace", "Speculation", "Trust"]

MAX_DRAFTS = 15
"""Maximum number of drafts per row; a call draws up to one token more."""

_MIN_GAIN = 1.03
"""Drafts are used if they are expected to multiply the tokens per second by at least this."""

_STEEPNESS = 0.1
"""Assumed cost of one more token, as a fraction of a step, until it is measured."""

_TRUSTED = 3
"""Number of measurements after which their mean is trusted."""

_LENGTHS = (1, 2, 3, 7, 15)
"""Numbers of drafts that are considered; there are few, so that the cost of each is soon known."""

_LEARNING = 0.15
"""Weight of the newest measurement."""

_FIRST_PROBE, _RAREST_PROBE = 8, 512


class Pace:
    """Duration of a step, by the number of tokens it decodes."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._counts: dict[int, int] = {}

    def note(self, num_tokens: int, seconds: float) -> None:
        """Record the duration of a step."""
        known = self._seconds.get(num_tokens, seconds)
        # Outliers caused by other programs are clamped.
        seconds = min(seconds, 2 * known) if known else seconds
        self._seconds[num_tokens] = known + _LEARNING * (seconds - known)
        self._counts[num_tokens] = self._counts.get(num_tokens, 0) + 1

    def seconds(self, num_tokens: int) -> float:
        """Expected duration of a step in seconds; 0 while nothing is known.

        Rarely measured sizes are assumed to be fast, so that they are tried.
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
    """The acceptance of one source's drafts, for one generation.

    Attributes:
        rate: Fraction of accepted drafts, weighted towards the latest.
        num_skipped: Number of drafts skipped since the last one that was tried.
        patience: Number of drafts to skip, while they do not pay, before one is tried again.
    """

    rate: float = 0.5
    num_skipped: int = 0
    patience: int = _FIRST_PROBE

    def learn(self, num_drafts: int, num_right: int) -> None:
        """Record how many drafts were accepted."""
        for is_right in [True] * num_right + [False] * (num_right < num_drafts):
            self.rate += _LEARNING * (is_right - self.rate)
        if num_right:
            self.patience = _FIRST_PROBE
            self.rate = max(self.rate, 0.5)
        else:
            self.patience = min(2 * self.patience, _RAREST_PROBE)

    def wait(self) -> bool:
        """Skip a draft that does not pay; False if it is time to try one anyway."""
        self.num_skipped += 1
        if self.num_skipped < self.patience:
            return True
        self.num_skipped = 0
        return False


@dataclass(slots=True)
class Guesses:
    """The draft sources of one generation.

    Attributes:
        index: Index of its text.
        lookup: Acceptance of drafts by lookup.
        model: Acceptance of drafts by the draft model.
        source: Source of the latest drafts.
    """

    index: Index
    lookup: Trust = field(default_factory=Trust)
    model: Trust = field(default_factory=Trust)
    source: Trust | None = None

    def learn(self, num_drafts: int, num_right: int) -> None:
        """Record how many of the latest drafts were accepted."""
        if self.source:
            self.source.learn(num_drafts, num_right)


class Speculation:
    """Drafts for all generations of an engine.

    Args:
        clock: Gives seconds.

    Attributes:
        pace: Durations of steps.
        model_pace: Durations of steps including the draft model's time.
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
        """Mark the beginning of a step, which includes the draft model's guesses."""
        self._began = self._clock()

    def take(self, drafts: Mapping[str, tuple[int, ...]]) -> None:
        """Store the draft model's guesses for this step, by request."""
        self._model_drafts = drafts
        self._uses_model = False

    def begin_run(self) -> None:
        """Mark the beginning of the step's run, after it was decided."""
        if not self._uses_model:
            self._began = self._clock()

    def note(self, plan: Plan, result: Sequence[Sequence[Sampled]]) -> None:
        """Record the duration of a step in which every row draws."""
        num_steps = 1 if any(row.drafts for row in plan.rows) else max(map(num_drawn, result))
        if num_steps:
            pace = self.model_pace if self._uses_model else self.pace
            pace.note(plan.num_tokens, (self._clock() - self._began) / num_steps)

    def begin(self, cells: list[int]) -> Guesses:
        """Begin a generation; ``cells`` is its growing list of token ids."""
        return Guesses(Index(cells))

    def end(self, guesses: Guesses) -> None:
        """End a generation; its text becomes a source for others."""
        self._library.add(guesses.index)

    def drafts(
        self, request_id: str, guesses: Guesses, most: int, num_tokens: int
    ) -> tuple[int, ...]:
        """Drafts for a generation, by lookup as far as that pays, or by the draft model.

        Args:
            request_id: The request's id.
            guesses: The generation's draft sources.
            most: Maximum number of drafts.
            num_tokens: Number of tokens of the step without these drafts.
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
        """Number of tokens that a draft model should guess; 0 if lookup finds drafts."""
        if self._found(guesses, 1):
            return 0
        return self._count(guesses.model, self.model_pace, min(most, MAX_DRAFTS), num_tokens)

    def _found(self, guesses: Guesses, most: int) -> tuple[int, ...]:
        return _without_media(self._library.after(guesses.index, most))

    def _count(self, trust: Trust, pace: Pace, most: int, num_tokens: int) -> int:
        """Number of drafts to try; if they do not pay, one now and then."""
        count = self._best_count(trust.rate, pace, most, num_tokens)
        if count == 0:
            return 0 if trust.wait() else 1
        trust.num_skipped = 0
        return count

    def _best_count(self, rate: float, pace: Pace, most: int, num_tokens: int) -> int:
        """Number of drafts that gives the most tokens per second."""
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
