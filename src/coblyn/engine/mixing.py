"""Different adapters per row in one step: checks that this works with a model, and sets it up for each step.

The context has all recently used adapters, each at scale 1; their effect on each row is set for every step. Changing a
context's adapters discards its graph, so an adapter stays for a while after its last use.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.prompt import Adapter
from coblyn.errors import EngineError
from coblyn.llama.adapter import Lora
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.model import Model
from coblyn.llama.row_scales import RowScales

__all__ = ["Mixing"]

log = logging.getLogger(__name__)

_IDLE_STEPS = 256
"""Number of steps for which an unused adapter stays in the context; it costs time in each of them."""

_TOLERANCE = 1e-3
"""Tolerance relative to the largest logit, for sums in a different order."""

_Set = tuple[Adapter, ...]


class Mixing:
    """Sets of adapters in one context, per row.

    Args:
        model: The model they modify.
        threads: Number of compute threads.

    Attributes:
        works: Whether each row may have a different set.
    """

    def __init__(self, model: Model, threads: int) -> None:
        self._model = model
        self._threads = threads
        self._scales = RowScales(model.library)
        self.works = bool(self._scales.pointer)
        self._numbers: dict[str, int] = {}
        self._last_used: dict[str, int] = {}
        self._present: set[str] = set()
        self._num_steps = 0
        self._is_set: tuple[_Set, ...] | None = None

    def add(self, digest: str, lora: Lora) -> None:
        """Add an adapter, and test whether it can be limited to single rows."""
        if not self.works:
            return
        self._numbers[digest] = number = len(self._numbers)
        matrices = self._scales.add(lora, number)
        self.works = self._is_right(lora, matrices)
        if not self.works:
            log.info("adapters take turns: they cannot be kept to single rows of a step here")
            self._scales.set_off()

    def use(self, context: Context, loras: Mapping[str, Lora], sets: Sequence[_Set]) -> None:
        """Make the next steps of a context compute with these sets.

        Args:
            context: The context; nothing else may set its adapters.
            loras: All adapters, by digest.
            sets: One set per row, in order, or one for all rows.
        """
        self._num_steps += 1
        wanted = {adapter.digest for each in sets for adapter in each if adapter.digest in loras}
        for digest in wanted:
            self._last_used[digest] = self._num_steps
        self._keep(context, loras, wanted)
        if self._is_set != tuple(sets):
            self._is_set = tuple(sets)
            self._set(sets)

    def check(self) -> None:
        """Check that a step applied each row's adapters.

        Raises:
            EngineError: Some rows may have been computed with another row's adapters.
        """
        if self._last_used:
            self._scales.take()

    def close(self) -> None:
        """Free it; call before freeing the adapters."""
        self._scales.close()

    def _keep(self, context: Context, loras: Mapping[str, Lora], wanted: set[str]) -> None:
        """Set the context's adapters: those wanted now, and those used recently."""
        oldest = self._num_steps - _IDLE_STEPS
        kept = {digest for digest, step in self._last_used.items() if step > oldest}
        if kept == self._present and wanted <= self._present:
            return
        self._last_used = {digest: self._last_used[digest] for digest in kept}
        context.set_adapters([(loras[digest], 1.0) for digest in sorted(kept)])
        self._present = kept

    def _set(self, sets: Sequence[_Set]) -> None:
        scales = np.zeros((len(self._numbers), len(sets)), np.float32)
        for row, each in enumerate(sets):
            for adapter in each:
                if adapter.digest in self._numbers:
                    scales[self._numbers[adapter.digest], row] = adapter.scale
        if len(sets) == 1:
            self._scales.set_alike(scales[:, 0])
        else:
            self._scales.set_rows(scales)

    def _is_right(self, lora: Lora, matrices: int) -> bool:
        """Whether an adapter applies to one row of two only, compared with the library's own results."""
        options = ContextOptions(256, 32, 2, self._threads)
        number, count = len(self._numbers) - 1, len(self._numbers)
        scales = np.zeros((count, 2), np.float32)
        scales[number, 0] = 1
        with Context(self._model, options) as context:
            batch = Batch(2)
            for row in range(2):
                batch.put(row, row + 1, 0, row, output=True)

            def logits() -> list[NDArray[np.float32]]:
                context.clear()
                context.decode(batch, 2)
                return [context.logits(row) for row in range(2)]

            self._scales.set_off()
            without = logits()
            context.set_adapters([(lora, 1.0)])
            with_it = logits()
            self._scales.take()
            self._scales.set_rows(scales)
            mixed = logits()
            try:
                is_whole = self._scales.take() == matrices
            except EngineError:
                return False
        pairs = zip(mixed, (with_it[0], without[1]), strict=True)
        return is_whole and all(
            np.abs(one - other).max() <= _TOLERANCE * np.abs(other).max() for one, other in pairs
        )
