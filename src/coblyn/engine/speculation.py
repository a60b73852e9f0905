"""Decides how many tokens to draft, from past acceptance and from the measured cost of larger steps.

A row with drafts draws the same tokens as without them; only its duration differs. So a wrong decision costs nothing
but time, and measurements decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from coblyn.engine.lookup import GRAM, Index, Library, Match
from coblyn.engine.pace import Pace, Shape
from coblyn.engine.plan import Plan, Sampled, num_drawn
from coblyn.engine.trust import Foresight, Trust, num_equal

__all__ = ["MAX_DRAFTS", "Candidate", "Guesses", "Speculation"]

MAX_DRAFTS = 15
"""Maximum number of drafts per row; a call draws up to one token more."""

_MIN_GAIN = 1.03
"""Drafts are used if they are expected to multiply the tokens per second by at least this."""

_LENGTHS = (1, 2, 3, 7, 15)
"""Numbers of drafts that are considered; there are few, so that the cost of each is soon known."""


@dataclass(slots=True)
class Guesses:
    """The draft sources of one generation.

    Attributes:
        index: Index of its text.
        start: Length of its prompt.
        lookup: Acceptance of drafts by lookup.
        model: Acceptance of drafts by the draft model.
        are_models: Whether the latest drafts are the model's.
        tried: The latest drafts by lookup.
        place: Length of the text before them.
    """

    index: Index
    start: int = 0
    lookup: Foresight = field(default_factory=Foresight)
    model: Trust = field(default_factory=Trust)
    are_models: bool = False
    tried: tuple[int, ...] = ()
    place: int = 0

    def learn(self, num_drafts: int, num_right: int) -> None:
        """Record how many of the latest drafts were accepted; what lookup finds is compared with the text itself."""
        if self.are_models:
            self.model.learn(num_drafts, num_right)
        else:
            text = self.index.cells[self.place : self.place + num_drafts]
            self.lookup.note_checks(num_equal(self.tried, text), num_right)


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
    """Drafts that a row could have: probabilities that the first, the first two, ... are all right."""

    request_id: str
    chances: Sequence[float]


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
        self._trust = Trust()

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
        return Guesses(Index(cells), len(cells), model=self._trust.passed_on())

    def end(self, guesses: Guesses) -> None:
        """End a generation; its text becomes a source for others."""
        self._library.add(guesses.index)
        self._trust = guesses.model

    def drafts(
        self, candidates: Sequence[Candidate], num_rows: int, room: int
    ) -> dict[str, tuple[int, ...]]:
        """Drafts for the rows of a step, by lookup as far as that pays, or by the draft model.

        Args:
            candidates: The generations that may have drafts.
            num_rows: Number of rows of the step, each of which has one token without drafts.
            room: Maximum number of drafts of all together.
        """
        found = {each.request_id: self._looked_up(each) for each in candidates}
        options = [
            _Option(name, guesses.lookup.chances(found[name].length, len(found[name].tokens)))
            for name, guesses, _ in candidates
        ]
        counts = self._best_counts(options, self.pace, num_rows, room)
        left = room - sum(counts.values())
        drafts = {}
        for name, guesses, most in candidates:
            guesses.are_models = not found[name].tokens
            if guesses.are_models:
                chosen = self._model_drafts.get(name, ())[: min(most, left)]
                left -= len(chosen)
                self._uses_model = self._uses_model or bool(chosen)
            else:
                chosen = tuple(found[name].tokens[: counts.get(name, 0)])
                guesses.tried, guesses.place = chosen, len(guesses.index.cells)
            drafts[name] = chosen
        return drafts

    def num_wanted(
        self, candidates: Sequence[Candidate], num_rows: int, room: int
    ) -> dict[str, int]:
        """Number of tokens that a draft model should guess for each; none where lookup finds drafts.

        If they do not pay, it is one now and then.
        """
        able = [each for each in candidates if not self._found(each.guesses, 1).tokens]
        options = [
            _Option(name, guesses.model.chances(min(most, MAX_DRAFTS)))
            for name, guesses, most in able
        ]
        best = self._best_counts(options, self.model_pace, num_rows, room)
        counts, left = {}, room - sum(best.values())
        for name, guesses, _ in able:
            count = best.get(name, 0)
            if count:
                guesses.model.use()
            elif not guesses.model.wait() and left > 0 and self._may_pay(name, num_rows):
                count, left = 1, left - 1
            counts[name] = count
        return counts

    def _looked_up(self, candidate: Candidate) -> Match:
        """What lookup finds for a generation, after its acceptance was learned from the text."""
        found = self._found(candidate.guesses, MAX_DRAFTS)
        candidate.guesses.lookup.compare(candidate.guesses.index.cells, found)
        return found._replace(tokens=found.tokens[: candidate.most])

    def _found(self, guesses: Guesses, most: int) -> Match:
        found = self._library.after(guesses.index, most)
        # A prompt that is sampled again matches as a whole, and its new text is another one.
        longest = GRAM + len(guesses.index.cells) - guesses.start
        return Match(_without_media(found.tokens), min(found.length, longest))

    def _may_pay(self, name: str, num_rows: int) -> bool:
        """Whether the model's drafts would pay if all of them were right."""
        sure = _Option(name, [1.0] * MAX_DRAFTS)
        return bool(self._best_counts([sure], self.model_pace, num_rows, MAX_DRAFTS))

    def _best_counts(
        self, options: Sequence[_Option], pace: Pace, num_rows: int, room: int
    ) -> dict[str, int]:
        """Number of drafts of the rows for which they give the most tokens per second.

        They all get the same number: rows of one length are computed at once. The most promising rows come first. None
        get any before a step without drafts is measured.
        """
        alone = self.pace.seconds(Shape(num_rows)) if self.pace.covers(num_rows) else 0.0
        if not alone:
            return {}
        best, chosen = _MIN_GAIN * num_rows / alone, dict[str, int]()
        for length in _LENGTHS:
            able = [
                (sum(each.chances[:length]), each.request_id)
                for each in options
                if len(each.chances) >= length
            ]
            able = sorted(able, reverse=True)[: room // length]
            expected = 0.0
            for count, (gain, _) in enumerate(able, 1):
                expected += gain
                is_split = self._splits and count < num_rows
                shape = Shape(num_rows + count * length, num_rows if is_split else 0)
                cost = pace.seconds(shape) or alone
                speed = (num_rows + expected) / cost
                if speed > best:
                    best, chosen = speed, {name: length for _, name in able[:count]}
        return chosen


def _without_media(tokens: Sequence[int]) -> tuple[int, ...]:
    end = next((place for place, token in enumerate(tokens) if token < 0), len(tokens))
    return tuple(tokens[:end])
