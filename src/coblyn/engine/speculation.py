"""Decides how many tokens to draft, from past acceptance and from the measured cost of larger steps.

A row with drafts draws the same tokens as without them; only its duration differs. So a wrong decision costs nothing
but time, and measurements decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from coblyn.engine.lookup import Index, Library
from coblyn.engine.pace import Pace, Shape
from coblyn.engine.plan import Plan, Sampled, num_drawn

__all__ = ["MAX_DRAFTS", "Candidate", "Guesses", "Speculation", "Trust"]

MAX_DRAFTS = 15
"""Maximum number of drafts per row; a call draws up to one token more."""

_MIN_GAIN = 1.03
"""Drafts are used if they are expected to multiply the tokens per second by at least this."""

_LENGTHS = (1, 2, 3, 7, 15)
"""Numbers of drafts that are considered; there are few, so that the cost of each is soon known."""

_LEARNING = 0.15
"""Weight of the newest measurement."""

_FIRST_PROBE, _RAREST_PROBE = 8, 512


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


class Candidate(NamedTuple):
    """A generation that may have drafts.

    Attributes:
        request_id: The request's id.
        guesses: Its draft sources.
        most: Maximum number of its drafts.
    """

    request_id: str
    guesses: Guesses
    most: int


class _Option(NamedTuple):
    """Drafts that a row could have: their number, and how likely each is right."""

    request_id: str
    trust: Trust
    rate: float
    available: int


class Speculation:
    """Drafts for all generations of an engine.

    Args:
        clock: Gives seconds.
        splits: Whether the library computes a step in two parts if its rows have unequal lengths.

    Attributes:
        pace: Durations of steps.
        model_pace: Durations of steps including the draft model's time.
    """

    def __init__(self, clock: Callable[[], float], *, splits: bool = False) -> None:
        self._splits = splits
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
            lengths = [len(row.tokens) + len(row.drafts) for row in plan.rows if row.tokens]
            shape = Shape.of(lengths, splits=self._splits)
            pace.note(shape, (self._clock() - self._began) / num_steps)

    def begin(self, cells: list[int]) -> Guesses:
        """Begin a generation; ``cells`` is its growing list of token ids."""
        return Guesses(Index(cells))

    def end(self, guesses: Guesses) -> None:
        """End a generation; its text becomes a source for others."""
        self._library.add(guesses.index)

    def drafts(
        self, candidates: Sequence[Candidate], num_rows: int, room: int
    ) -> dict[str, tuple[int, ...]]:
        """Drafts for the rows of a step, by lookup as far as that pays, or by the draft model.

        Args:
            candidates: The generations that may have drafts.
            num_rows: Number of rows of the step, each of which has one token without drafts.
            room: Maximum number of drafts of all together.
        """
        found = {
            each.request_id: self._found(each.guesses, min(each.most, MAX_DRAFTS))
            for each in candidates
        }
        options = [
            _Option(name, guesses.lookup, guesses.lookup.rate, len(found[name]))
            for name, guesses, _ in candidates
            if found[name]
        ]
        counts = self._counts(options, self.pace, num_rows, room)
        left = room - sum(counts.values())
        drafts = {}
        for name, guesses, most in candidates:
            if found[name]:
                guesses.source, chosen = guesses.lookup, found[name][: counts[name]]
            else:
                guesses.source = guesses.model
                chosen = self._model_drafts.get(name, ())[: min(most, left)]
                left -= len(chosen)
                self._uses_model = self._uses_model or bool(chosen)
            drafts[name] = chosen
        return drafts

    def num_wanted(
        self, candidates: Sequence[Candidate], num_rows: int, room: int
    ) -> dict[str, int]:
        """Number of tokens that a draft model should guess for each; none where lookup finds drafts."""
        options = [
            _Option(name, guesses.model, guesses.model.rate, min(most, MAX_DRAFTS))
            for name, guesses, most in candidates
            if not self._found(guesses, 1)
        ]
        return self._counts(options, self.model_pace, num_rows, room)

    def _found(self, guesses: Guesses, most: int) -> tuple[int, ...]:
        return _without_media(self._library.after(guesses.index, most))

    def _counts(
        self, options: Sequence[_Option], pace: Pace, num_rows: int, room: int
    ) -> dict[str, int]:
        """Number of drafts to try for each; if they do not pay, one now and then."""
        best = self._best_counts(options, pace, num_rows, room)
        counts, left = {}, room - sum(best.values())
        for option in options:
            count = best.get(option.request_id, 0)
            if count:
                option.trust.num_skipped = 0
            elif not option.trust.wait() and left > 0 and self._may_pay(option, pace, num_rows):
                count, left = 1, left - 1
            counts[option.request_id] = count
        return counts

    def _may_pay(self, option: _Option, pace: Pace, num_rows: int) -> bool:
        """Whether drafts would pay if all were right; otherwise it is useless to know how many are."""
        sure = option._replace(rate=1.0, available=MAX_DRAFTS)
        return bool(self._best_counts([sure], pace, num_rows, MAX_DRAFTS))

    def _best_counts(
        self, options: Sequence[_Option], pace: Pace, num_rows: int, room: int
    ) -> dict[str, int]:
        """Number of drafts of the rows for which they give the most tokens per second.

        They all get the same number: rows of one length are computed at once. The most promising rows come first.
        """
        alone = self.pace.seconds(Shape(num_rows))
        ranked = sorted(options, key=lambda option: -option.rate)
        best, chosen = _MIN_GAIN * num_rows / alone if alone else 0.0, dict[str, int]()
        for length in _LENGTHS:
            able = [each for each in ranked if each.available >= length][: room // length]
            expected = 0.0
            for count, option in enumerate(able, 1):
                expected += sum(option.rate**place for place in range(1, length + 1))
                is_split = self._splits and count < num_rows
                shape = Shape(num_rows + count * length, num_rows if is_split else 0)
                cost = pace.seconds(shape) or alone or 1.0
                speed = (num_rows + expected) / cost
                if speed > best:
                    best, chosen = speed, {each.request_id: length for each in able[:count]}
        return chosen


def _without_media(tokens: Sequence[int]) -> tuple[int, ...]:
    end = next((place for place, token in enumerate(tokens) if token < 0), len(tokens))
    return tuple(tokens[:end])
