"""Measures from which batch size on the CPU kernels are faster than ggml on this machine, and stores the results.

Which code is faster depends on the processor, on types and shapes, and on the number of tokens computed together, and
cannot be predicted: ggml's code for a type may be as good on one machine and half as fast on another. Disturbed
measurements are used at first, and repeated while the engine is idle.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from coblyn.tuning.measured import Measured, MeasuredFile, most_doubtful

if TYPE_CHECKING:
    from coblyn.llama.model import Heads

__all__ = [
    "Measures",
    "Question",
    "Tuner",
    "attention_questions",
    "few_questions",
    "product_questions",
    "tile_questions",
]

log = logging.getLogger(__name__)

_SECONDS = 0.01
_BLOCK = 256
_MAX_ROWS = 2048
_CELLS = 512
_FEWEST_TOKENS = 4
_MARGIN = 1.05  # a tie goes to ggml

_PAUSE = 30.0
"""Seconds between two measurements of an idle engine, since disturbances last for a while."""


class Measures(Protocol):
    """The interface of the kernels to tune: `coblyn.llama.kernels.Kernels`."""

    @property
    def instruction_set(self) -> str:
        """The instruction set in use."""
        ...

    def find_batch(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> int:
        """The smallest batch from which it is faster; 0 if it never is."""
        ...

    def min_batch(self, kind: int) -> int:
        """The current minimum batch for products of a type; 0 for never."""
        ...

    def set_min_batch(self, kind: int, batch: int) -> None:
        """Set the minimum batch for products of a type; 0 for never."""
        ...

    def uses_tiles(self, kind: int) -> bool:
        """Whether products of a type use tiles now."""
        ...

    def find_tiles(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> bool:
        """Whether tiles are faster than vectors."""
        ...

    def set_tiles(self, kind: int, may: bool) -> None:
        """Whether products of a type may use tiles."""
        ...

    def find_few(self, kind: int, rows: int, columns: int, *, threads: int, seconds: float) -> int:
        """Maximum number of rows of activations for which its code for few rows is faster; 0 if for none."""
        ...

    def set_max_few(self, kind: int, rows: int) -> None:
        """Set the maximum number of rows for that code; 0 for never."""
        ...

    def find_tokens(
        self, kind: int, heads: Heads, *, cells: int, threads: int, seconds: float
    ) -> int:
        """The minimum number of tokens for which its attention is faster; 0 if it never is."""
        ...

    def measure_attention(
        self, kind: int, heads: Heads, *, cells: int, tokens: int, threads: int, seconds: float
    ) -> float:
        """Speed of its attention relative to ggml's; 0 if it cannot be measured."""
        ...

    def set_single(self, is_taken: bool) -> None:
        """Set whether it computes attention of a single token."""
        ...

    @property
    def min_tokens(self) -> int:
        """The current minimum number of tokens for its attention; 0 for never."""
        ...

    def set_min_tokens(self, tokens: int) -> None:
        """Set the minimum number of tokens for its attention; 0 for never."""
        ...

    def take_spread(self) -> float | None:
        """The spread of comparisons since the last call; None if they were stopped."""
        ...

    def stoppable(self) -> AbstractContextManager[None]:
        """Let ``stop`` of other threads end measurements in the block."""
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """Whether no other engine computes; none can start within the block."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """Something to measure.

    Attributes:
        key: Text of everything it depends on.
        ask: Makes the measurement.
        use: Applies the result to the kernels; must not be called during computation.
    """

    key: str
    ask: Callable[[], int]
    use: Callable[[int], None]


def product_questions(
    kernels: Measures, kinds: Sequence[int], *, width: int, threads: int
) -> Iterator[Question]:
    """Questions for the minimum batch of each weight type; types that are off stay off.

    Args:
        kernels: The kernels in their initial state.
        kinds: Types of weights (``ggml_type``) that a model has.
        width: Number of inputs of a typical matrix of the model.
        threads: Number of compute threads.
    """
    rows, columns = _typical(width)
    for kind in kinds:
        # A short measurement has its weights in the caches, where a model has not: below the library's own choice,
        # what it finds is not to be trusted (Q8_0 with eight streams: 1.05 measured, 0.93 in the model).
        if floor := kernels.min_batch(kind):
            yield Question(
                f"{kernels.instruction_set}, {threads} threads, type {kind}, {rows} x {columns}",
                partial(
                    kernels.find_batch,
                    kind,
                    rows,
                    columns,
                    threads=threads,
                    seconds=_SECONDS,
                ),
                partial(_use_batch, kernels, kind, floor),
            )


def tile_questions(
    kernels: Measures, kinds: Sequence[int], *, width: int, threads: int
) -> Iterator[Question]:
    """Questions whether products of each type use tiles, if the processor has them; to be asked before all others.

    Args:
        kernels: The kernels in their initial state.
        kinds: Types of weights (``ggml_type``) that a model has.
        width: Number of inputs of a typical matrix of the model.
        threads: Number of compute threads.
    """
    rows, columns = _typical(width)
    for kind in kinds:
        if kernels.uses_tiles(kind):
            yield Question(
                f"{kernels.instruction_set}, {threads} threads, type {kind}, {rows} x {columns}, tiles",
                partial(kernels.find_tiles, kind, rows, columns, threads=threads, seconds=_SECONDS),
                partial(_use_tiles, kernels, kind),
            )


def few_questions(
    kernels: Measures, kinds: Sequence[int], *, width: int, threads: int
) -> Iterator[Question]:
    """Questions for the maximum number of rows for the code for few rows of each type, as in decode steps.

    Args:
        kernels: The kernels.
        kinds: Types of weights (``ggml_type``) that a model has.
        width: Number of inputs of a typical matrix of the model.
        threads: Number of compute threads.
    """
    rows, columns = _typical(width)
    for kind in kinds:
        shape = f"type {kind}, {rows} x {columns}"
        yield Question(
            f"{kernels.instruction_set}, {threads} threads, {shape}, few",
            partial(kernels.find_few, kind, rows, columns, threads=threads, seconds=_SECONDS),
            partial(kernels.set_max_few, kind),
        )


def _typical(width: int) -> tuple[int, int]:
    """Rows and columns of a matrix that is small enough for a short measurement, in whole blocks of every type."""
    columns = -(-width // _BLOCK) * _BLOCK
    return min(4 * columns, _MAX_ROWS), columns


def _use_tiles(kernels: Measures, kind: int, found: int) -> None:
    kernels.set_tiles(kind, bool(found))


def _use_batch(kernels: Measures, kind: int, floor: int, found: int) -> None:
    kernels.set_min_batch(kind, _at_least(floor, found))


def attention_questions(
    kernels: Measures, kind: int, heads: Heads, *, is_unified: bool, threads: int
) -> Iterator[Question]:
    """Questions for the minimum number of tokens for attention, and for attention of a single token; none if it is off.

    Args:
        kernels: The kernels in their initial state.
        kind: Type of the KV cache (``ggml_type``).
        heads: Shape of the model's attention.
        is_unified: Whether sequences share cells. Then tokens of different sequences see few of them, and ggml's code
            for few tokens skips masked cells, so the library's own minimum is kept.
        threads: Number of compute threads.
    """
    own = kernels.min_tokens
    if not own:
        return
    floor = own if is_unified else _FEWEST_TOKENS
    shape = f"{heads.length} x {heads.count}/{heads.key_count}"
    key = f"{kernels.instruction_set}, {threads} threads, attention {kind}, {shape}"

    def single() -> int:
        ratio = kernels.measure_attention(
            kind, heads, cells=_CELLS, tokens=1, threads=threads, seconds=_SECONDS
        )
        return int(ratio >= _MARGIN)

    yield Question(
        key,
        partial(kernels.find_tokens, kind, heads, cells=_CELLS, threads=threads, seconds=_SECONDS),
        lambda found: kernels.set_min_tokens(_at_least(floor, found)),
    )
    yield Question(f"{key}, single", single, lambda found: kernels.set_single(bool(found)))


def _at_least(floor: int, found: int) -> int:
    return max(found, floor) if found else 0


class Tuner:
    """Sets the kernels according to measurements, and repeats disturbed ones.

    Args:
        kernels: The kernels.
        questions: All questions.
        path: File with the measurements.
        clock: Gives monotonic seconds.
    """

    def __init__(
        self,
        kernels: Measures,
        questions: Sequence[Question],
        path: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernels = kernels
        self._questions = {question.key: question for question in questions}
        self._file = MeasuredFile(path)
        self._clock = clock
        self._known: dict[str, Measured] = {}
        self._due = 0.0

    def tune(self) -> None:
        """Answer all questions, from the file or by measuring, and set the kernels.

        It takes some tenths of a second the first time, and up to three seconds for wide models.
        """
        kept = self._file.read()
        self._known = {key: kept[key] for key in self._questions if key in kept}
        fresh: dict[str, Measured] = {}
        # Known results are applied at once, since they may affect the next measurement.
        for key, question in self._questions.items():
            if key not in kept and (answer := self._measure(key)):
                self._known[key] = fresh[key] = answer
            if key in self._known:
                question.use(self._known[key].value)
        if fresh:
            self._file.write(fresh)
        self._due = self._clock() + _PAUSE

    def rest(self) -> float | None:
        """Repeat a disturbed measurement if it is time; call only while nothing is computed.

        Returns:
            Seconds until there is more to do; None if all results are final.
        """
        key = most_doubtful(self._known)
        if key is None:
            return None
        if (left := self._due - self._clock()) > 0:
            return left
        with self._kernels.alone() as is_alone:
            if is_alone:
                self._improve(key)
        self._due = self._clock() + _PAUSE
        return _PAUSE

    def _improve(self, key: str) -> None:
        with self._kernels.stoppable():
            answer = self._measure(key)
        if answer:
            self._learn(key, answer)

    def _learn(self, key: str, answer: Measured) -> None:
        # Another process may have measured it meanwhile.
        earlier = self._file.read().get(key, self._known[key])
        self._known[key] = earlier if earlier.is_settled else earlier.again(answer)
        self._questions[key].use(self._known[key].value)
        self._file.write({key: self._known[key]})

    def _measure(self, key: str) -> Measured | None:
        """Measure; None if it was stopped."""
        self._kernels.take_spread()
        value = int(self._questions[key].ask())
        spread = self._kernels.take_spread()
        if spread is None:
            return None
        answer = Measured(value, spread)
        log.debug("measured: %s: %s", key, answer)
        return answer
