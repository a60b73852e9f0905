"""Prediction heads as a source of drafts, on their own context: a model's own (MTP), or those beside it (EAGLE-3).

A head guesses a token from the model's state for one token and from the token after it. Its first guess continues from
the model's state, further ones from its own. Its KV memory follows that of the model: the same operations, and the same
tokens a little later. Where the two differ, guesses are bad, and the text is still right.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.config import EngineConfig
from coblyn.engine.eagle import open_eagle
from coblyn.engine.plan import CacheOp, Copy, Discard, DraftWish, Remove, Restore, Save
from coblyn.engine.shape import uses_heads
from coblyn.engine.speculation import MAX_DRAFTS
from coblyn.errors import EngineError
from coblyn.llama.context import Context, ContextOptions
from coblyn.llama.heads import Computed, HeadBatch, HeadContext, States
from coblyn.models.eagle import EagleHead

__all__ = ["DraftHeads", "draft_heads_of"]

log = logging.getLogger(__name__)

_NUM_KEPT = 32 + MAX_DRAFTS
"""Number of latest states of a sequence that are kept: 32 tokens before wrong guesses can be taken back, and none is
unknown."""

State = NDArray[np.float32]


class _Pair(NamedTuple):
    """A token, and the state of the token before it; None if that is unknown."""

    token: int
    before: State | None


@dataclass(slots=True)
class _Line:
    """What the head knows of a sequence.

    A token without a state before it is not a pair. At the beginning it is left out; behind a cut
    of more tokens than states are kept of, the state is zeros.

    Attributes:
        start: First position in its memory.
        end: Positions below it are computed.
        waiting: Tokens from there on, which are not computed yet.
        states: The model's states for the last of them; None where it is unknown.
    """

    start: int = 0
    end: int = 0
    waiting: list[_Pair] = field(default_factory=list)
    states: deque[State | None] = field(default_factory=lambda: deque(maxlen=_NUM_KEPT))

    @property
    def length(self) -> int:
        return self.end + len(self.waiting)

    @property
    def last(self) -> State | None:
        """The model's state for its last token."""
        return self.states[-1] if self.states else None

    def begin(self, position: int) -> None:
        """Start at a position, with an empty memory."""
        self.start = self.end = position
        self.waiting.clear()
        self.states.clear()

    def states_at(self, length: int) -> deque[State | None]:
        """Its states, if it had this length."""
        num_left = max(0, len(self.states) - max(0, self.length - length))
        return deque(islice(self.states, num_left), _NUM_KEPT)


class _Saved(NamedTuple):
    """A sequence of the head in main memory."""

    memory: NDArray[np.uint8]
    start: int
    length: int
    states: deque[State | None]


class DraftHeads:
    """Guesses with prediction heads. Free it with ``close``, before the model.

    Args:
        heads: Their context, which is freed with it.
        states: What steps on the model's context have to be given.
    """

    def __init__(self, heads: HeadContext, states: States) -> None:
        self._heads = heads
        self._batch = HeadBatch(heads)
        self.states = states
        self._unknown: State = np.zeros(heads.given_width, np.float32)
        self._lines: dict[int, _Line] = {}
        self._saved: dict[int, _Saved] = {}

    def close(self) -> None:
        """Free its memory."""
        self._heads.close()

    def follow(self, operation: CacheOp) -> None:
        """Do what the model's context did."""
        if isinstance(operation, Remove):
            self._cut(operation.sequence, operation.start)
        elif isinstance(operation, Save):
            self._save(operation)
        elif isinstance(operation, Restore):
            self._restore(operation)
        elif isinstance(operation, Discard):
            self._saved.pop(operation.key, None)
        else:
            self._copy(operation)

    def note(self, followed: Collection[int]) -> None:
        """Take the tokens of some sequences that the model computed since the last call."""
        self._append(self.states.take(), followed)
        if sum(len(line.waiting) for line in self._lines.values()) >= self._batch.capacity:
            self._catch_up(self._lines)

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """Guess tokens for texts of which all but the last token are computed; no guesses for others."""
        for wish in wishes:
            # What is behind were wrong guesses; the model removes its own with the next step only.
            self._cut(wish.sequence, len(wish.tokens) - 1)
        ready = [wish for wish in wishes if self._is_ready(wish)]
        if not ready:
            return {}
        self._catch_up([wish.sequence for wish in ready])
        try:
            found = self._guess(ready)
        except EngineError as error:
            self._start_over(error)
            return {}
        for wish in ready:
            # The first row is what the model will compute; the others are guesses.
            line = self._lines[wish.sequence]
            line.end = len(wish.tokens)
            line.states.append(None)
            self._heads.remove(wish.sequence, line.end)
        return {wish.request_id: tuple(guesses) for wish, guesses in zip(ready, found, strict=True)}

    def _is_ready(self, wish: DraftWish) -> bool:
        line = self._lines.get(wish.sequence)
        length = len(wish.tokens)
        fits = length + wish.num_wanted <= self._heads.length
        return line is not None and line.length == length - 1 and fits

    def _guess(self, wishes: Sequence[DraftWish]) -> list[list[int]]:
        """Guesses for each wish. The memory holds all of them but the last afterwards."""
        found: list[list[int]] = [[] for _ in wishes]
        for row, wish in enumerate(wishes):
            pair = _Pair(wish.tokens[-1], self._lines[wish.sequence].last)
            self._put(row, pair, len(wish.tokens) - 1, wish.sequence, output=True)
        self._heads.encode(self._batch, len(wishes))
        places = list(range(len(wishes)))
        while places:
            self._heads.compute(self._batch, len(places))
            for row, place in enumerate(places):
                found[place].append(self._heads.best(row))
            going_on = [
                (row, place)
                for row, place in enumerate(places)
                if len(found[place]) < wishes[place].num_wanted
            ]
            for to, (row, place) in enumerate(going_on):
                wish, guesses = wishes[place], found[place]
                position = len(wish.tokens) - 1 + len(guesses)
                self._batch.put(to, guesses[-1], position, wish.sequence, output=True)
                self._batch.states[to] = self._heads.state(row)
            places = [place for _, place in going_on]
        return found

    def _put(
        self, row: int, pair: _Pair, position: int, sequence: int, *, output: bool = False
    ) -> None:
        self._batch.put(row, pair.token, position, sequence, output=output)
        self._batch.given[row] = self._unknown if pair.before is None else pair.before

    def _append(self, computed: Computed, followed: Collection[int]) -> None:
        tokens, positions, sequences, states = computed
        for token, position, sequence, state in zip(
            tokens, positions, sequences, states, strict=True
        ):
            if sequence not in followed:
                continue
            line = self._lines.setdefault(sequence, _Line())
            if position == line.length - 1 and line.last is None and not line.waiting:
                line.states = line.states_at(position)  # it is computed already, from the same pair
                line.states.append(state)
                continue
            if position < line.length:
                self._cut(sequence, position)
            elif position > line.length:
                self._heads.remove(sequence, 0)
                line.begin(position)
            if line.last is None and position == line.start:
                line.begin(position + 1)
            else:
                line.waiting.append(_Pair(token, line.last))
            line.states.append(state)

    def _catch_up(self, sequences: Sequence[int] | Mapping[int, _Line]) -> None:
        """Compute what waits in some sequences."""
        rows = [
            (sequence, self._lines[sequence].end + place, pair)
            for sequence in sequences
            if sequence in self._lines
            for place, pair in enumerate(self._lines[sequence].waiting)
        ]
        rest = iter(rows)
        try:
            while part := list(islice(rest, self._batch.capacity)):
                for row, (sequence, position, pair) in enumerate(part):
                    self._put(row, pair, position, sequence)
                self._heads.encode(self._batch, len(part))
                self._heads.compute(self._batch, len(part))
        except EngineError as error:
            self._start_over(error)
            return
        for sequence in {sequence for sequence, *_ in rows}:
            line = self._lines[sequence]
            line.end, line.waiting = line.length, []

    def _start_over(self, error: EngineError) -> None:
        """Forget everything, since what the memory holds is unknown; guesses are not worth more than that."""
        log.debug("the prediction heads start over: %s", error.message)
        self._heads.clear()
        for line in self._lines.values():
            line.begin(line.length)

    def _cut(self, sequence: int, length: int) -> None:
        line = self._lines.get(sequence)
        if line is None or length >= line.length:
            return
        states = line.states_at(length)
        if length <= line.start:
            self._heads.remove(sequence, 0)
            line.begin(length)
        elif length < line.end:
            self._heads.remove(sequence, length)
            line.end = length
        del line.waiting[length - line.end :]
        line.states = states

    def _save(self, operation: Save) -> None:
        sequence = operation.sequence
        if sequence in self._lines:
            self._catch_up([sequence])
            line = self._lines[sequence]
            memory = self._heads.save(sequence)
            states = line.states_at(line.length)
            self._saved[operation.key] = _Saved(memory, line.start, line.length, states)
            self._cut(sequence, operation.keep)

    def _restore(self, operation: Restore) -> None:
        saved = self._saved.get(operation.key)
        if saved is None:
            self._lines.pop(operation.sequence, None)
            return
        try:
            self._heads.restore(saved.memory, operation.sequence)
        except EngineError as error:
            self._start_over(error)
            return
        states = saved.states.copy()
        self._lines[operation.sequence] = _Line(saved.start, saved.length, states=states)
        self._cut(operation.sequence, operation.length)

    def _copy(self, operation: Copy) -> None:
        self._catch_up([operation.source])
        line = self._lines.get(operation.source)
        if line is None:
            return
        length = min(operation.length, line.length)
        self._heads.copy(operation.source, operation.target, length)
        start, states = min(line.start, length), line.states_at(length)
        self._lines[operation.target] = _Line(start, length, states=states)


def draft_heads_of(
    config: EngineConfig, context: Context, options: ContextOptions, eagle: EagleHead | None
) -> DraftHeads | None:
    """The prediction heads for a loaded model, if some that can be used are wanted.

    Args:
        config: The configuration.
        context: The model's own context.
        options: Its shape.
        eagle: The head in a file of its own, if the user chose one.

    Raises:
        CoblynError: It cannot be loaded.
    """
    capacity = 2 * options.max_batch
    if eagle:
        heads = open_eagle(config, eagle, context, options)
        return DraftHeads(heads, States(context, capacity, eagle.layers))
    if uses_heads(config):
        return DraftHeads(HeadContext(context.model, options), States(context, capacity))
    return None
