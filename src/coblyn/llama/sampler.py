"""Samplers of the shim: one object a request, one call a step for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import EngineError
from coblyn.llama.context import Context
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library
from coblyn.llama.shim import Row, SamplerParams

__all__ = ["Draw", "Rows", "Sampler", "SamplerOptions"]


@dataclass(frozen=True, slots=True)
class SamplerOptions:
    """Parameters of the shim's samplers; ``native/shim/coblyn.h`` says what each means."""

    seed: int
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repetition_penalty: float
    repetition_range: int
    repetition_slope: float
    presence_penalty: float
    frequency_penalty: float
    bias: tuple[tuple[int, float], ...]
    logprobs: int | None


class Sampler(Handle):
    """Draws the tokens of one request and remembers them.

    Args:
        library: The opened bundle.
        options: How to draw.
        vocab_size: Logits in a row.
        history: Tokens of the prompt, which the penalties see.
    """

    def __init__(
        self, library: Library, options: SamplerOptions, vocab_size: int, history: Sequence[int]
    ) -> None:
        super().__init__(library.coblyn_sampler_free)
        tokens = np.asarray(history, np.int32)
        bias_tokens = np.asarray([token for token, _ in options.bias], np.int32)
        bias_values = np.asarray([value for _, value in options.bias], np.float32)
        params = SamplerParams(
            seed=options.seed,
            temperature=options.temperature,
            top_p=options.top_p,
            min_p=options.min_p,
            repetition_penalty=options.repetition_penalty,
            repetition_slope=options.repetition_slope,
            presence_penalty=options.presence_penalty,
            frequency_penalty=options.frequency_penalty,
            top_k=options.top_k,
            repetition_range=options.repetition_range,
            n_logprobs=-1 if options.logprobs is None else options.logprobs,
            n_bias=len(options.bias),
            bias_tokens=bias_tokens.ctypes.data,
            bias_values=bias_values.ctypes.data,
        )
        self.pointer = library.coblyn_sampler_new(
            params, vocab_size, tokens.ctypes.data, len(tokens)
        )
        self.wants_logprobs = options.logprobs is not None
        self.top_tokens: NDArray[np.int32] = np.zeros(options.logprobs or 0, np.int32)
        self.top_logprobs: NDArray[np.float32] = np.zeros(options.logprobs or 0, np.float32)


class Draw(NamedTuple):
    """Where one token is drawn from.

    Attributes:
        sampler: Who draws.
        output: Index in the last batch of the token whose logits are used, unless ``logits``.
        logits: float32 of the vocabulary's size, used instead; left unchanged.
        keep: Array of the same shape, into which the raw logits are copied.
    """

    sampler: Sampler
    output: int = 0
    logits: NDArray[np.float32] | None = None
    keep: NDArray[np.float32] | None = None


class Rows:
    """The rows of a step, reused from step to step.

    Args:
        context: Whose logits are drawn from.
        capacity: Most rows of a step.
    """

    def __init__(self, context: Context, capacity: int) -> None:
        self._context = context
        self._rows = (Row * capacity)()
        self._count = 0
        self._sample = context.library.coblyn_sample

    def put(self, draws: Sequence[Draw]) -> None:
        """Say what the next `draw` draws. Before the decode, that is: after it, the caches are the model's."""
        for row, draw in zip(self._rows, draws, strict=False):
            sampler = draw.sampler
            row.sampler = sampler.pointer
            row.output = draw.output
            row.logits = None if draw.logits is None else draw.logits.ctypes.data
            row.keep = None if draw.keep is None else draw.keep.ctypes.data
            if sampler.wants_logprobs:
                row.top_tokens = sampler.top_tokens.ctypes.data
                row.top_logprobs = sampler.top_logprobs.ctypes.data
        self._count = len(draws)

    def draw(self) -> Sequence[Row]:
        """Draw a token for each row; ``token`` is -1 where everything is forbidden.

        The rows are valid until the next `put`.

        Raises:
            EngineError: A batch index without logits.
        """
        failed = self._sample(self._context.pointer, self._rows, self._count)
        if failed:
            raise EngineError(f"Row {failed - 1} of the step has no logits.")
        return self._rows[: self._count]
