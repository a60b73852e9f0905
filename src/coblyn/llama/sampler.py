"""Samplers of the shim: one object a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.llama.handle import Handle
from coblyn.llama.library import Library
from coblyn.llama.shim import SamplerParams

__all__ = ["MAX_STEPS", "Draw", "Sampler", "SamplerOptions"]

MAX_STEPS = 8
"""Most steps in a row: a sampler has room for the alternatives of so many."""


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

    Attributes:
        wants_logprobs: Whether log-probabilities are computed.
        top_tokens, top_logprobs: The alternatives of each step in a row, int32 and float32 of ``MAX_STEPS`` rows.
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
        shape = (MAX_STEPS, options.logprobs or 0)
        self.top_tokens: NDArray[np.int32] = np.zeros(shape, np.int32)
        self.top_logprobs: NDArray[np.float32] = np.zeros(shape, np.float32)


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
