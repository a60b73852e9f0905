"""Decodes and draws with one call of the library per step, or for several consecutive steps."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import addressof, pointer, sizeof

from coblyn.errors import EngineError
from coblyn.llama import shim
from coblyn.llama.context import Batch, Context, decode_error
from coblyn.llama.heads import States
from coblyn.llama.sampler import MAX_DRAWN, Away, Draw
from coblyn.llama.shim import Drawn, Row

__all__ = ["Steps"]


class Steps:
    """The arguments of a step, reused for all steps.

    Args:
        context: Whose steps they are.
        batch: Where their tokens stand.
        capacity: Maximum number of draws per step.
        states: Where the states of decoded tokens are collected, unless a step needs none; None for nowhere.
    """

    def __init__(
        self, context: Context, batch: Batch, capacity: int, states: States | None = None
    ) -> None:
        self._context = context
        self._rows = (Row * capacity)()
        self._drawn = (Drawn * (capacity * MAX_DRAWN))()
        for index, row in enumerate(self._rows):
            row.drawn = addressof(self._drawn) + index * MAX_DRAWN * sizeof(Drawn)
        tokens, positions, sequences, outputs = batch.pointers
        self._steps = shim.Steps(
            tokens=tokens,
            positions=positions,
            sequences=sequences,
            outputs=outputs,
            rows=self._rows,
        )
        self._states = pointer(states.shim) if states else None
        self.keep_states(True)
        self._capacity = batch.capacity
        self._run = context.library.coblyn_run

    @property
    def decode_seconds(self) -> float:
        """Time of the last run that was spent in ``llama_decode``."""
        return float(self._steps.decode_seconds)

    @property
    def num_fillers(self) -> int:
        """Number of tokens that were added to the last batch to fill its gaps."""
        return int(self._steps.n_fillers)

    def keep_states(self, wanted: bool) -> None:
        """Set whether further steps collect states."""
        self._steps.states = self._states if wanted else None

    def interrupt(self, wanted: bool) -> None:
        """Set or clear the request to begin no further step. Any thread may call."""
        self._steps.is_interrupted = wanted

    def run(
        self,
        num_tokens: int,
        draws: Sequence[Draw],
        *,
        max_seconds: float = 0.0,
        fills_gaps: bool = False,
    ) -> list[list[Drawn]]:
        """Compute the first ``num_tokens`` of the batch, and draw; then go on with what was drawn, if there is time.

        It goes on while every draw that is not only for keeping wants more, and none drew a token that ends a
        generation.

        Args:
            num_tokens: May be 0, when all draws bring their logits, or draw from the run before.
            draws: What is drawn from where.
            max_seconds: A further step begins only if it will end by then, and nobody interrupted.
            fills_gaps: Whether sequences between those of the batch may have a token in it, which is removed after the
                step. Where sequences have cells of their own, the library would cut the batch there.

        Returns:
            For each draw what it drew; ``token`` is -1 where everything is forbidden, and -2 where the model's logits
            are not numbers. They are valid until the next run.

        Raises:
            EngineError: A step failed; what the sequences hold is unknown from here on.
        """
        steps = self._steps
        steps.n_tokens, steps.n_rows = num_tokens, len(draws)
        steps.max_tokens = self._capacity if fills_gaps else 0
        steps.max_seconds = max_seconds
        for index, draw in enumerate(draws):
            self._put(index, draw)
        code = self._run(self._context.pointer, steps)
        if code <= shim.NO_LOGITS:
            raise EngineError(f"Row {shim.NO_LOGITS - 1 - code} of the step has no logits.")
        if code != 0:
            raise decode_error(self._context.library, code)
        starts = range(0, len(draws) * MAX_DRAWN, MAX_DRAWN)
        rows = self._rows
        return [
            self._drawn[start : start + rows[index].n_drawn] for index, start in enumerate(starts)
        ]

    def _put(self, index: int, draw: Draw) -> None:
        row, sampler = self._rows[index], draw.sampler
        row.sampler = sampler.pointer
        row.sequence = draw.sequence
        row.position = draw.position
        row.output = draw.output
        row.n_drafts = draw.num_drafts
        row.max_drawn = min(draw.max_drawn, MAX_DRAWN)
        row.logits = None if draw.logits is None else draw.logits.ctypes.data
        row.keep = None if draw.keep is None else draw.keep.ctypes.data
        row.mask = None if draw.mask is None else draw.mask.ctypes.data
        row.guide_scale, row.guide_keep = 1.0, None
        if draw.away:
            _guide(row, draw.away)
        if sampler.wants_logprobs:
            for place in range(row.max_drawn):
                drawn = self._drawn[index * MAX_DRAWN + place]
                drawn.top_tokens = sampler.top_tokens[place].ctypes.data
                drawn.top_logprobs = sampler.top_logprobs[place].ctypes.data


def _guide(row: Row, away: Away) -> None:
    row.guide_scale = away.scale
    row.guide_sequence = away.sequence
    row.guide_position = away.position
    row.guide_output = away.output
    row.guide_logits = None if away.logits is None else away.logits.ctypes.data
    row.guide_keep = None if away.keep is None else away.keep.ctypes.data
