"""Makes the shim's samplers for requests, and converts their results."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.breakers import Breakers
from coblyn.engine.plan import Sampled
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.stages import chain
from coblyn.engine.vocab import ModelVocab
from coblyn.llama.library import Library
from coblyn.llama.sampler import Sampler, SamplerOptions
from coblyn.llama.shim import Drawn

__all__ = ["Samplers", "sampled", "sampler_options"]


Logits = NDArray[np.float32]


class Samplers:
    """Makes samplers. Any thread may ask.

    Args:
        library: The opened bundle.
        vocab: The model's vocabulary.
        vocab_size: Number of its tokens.
    """

    def __init__(self, library: Library, vocab: ModelVocab, vocab_size: int) -> None:
        self._library = library
        self._vocab = vocab
        self._vocab_size = vocab_size
        self._breakers: Breakers | None = None
        self._lock = threading.Lock()

    def make(self, request: Request[Prompt], history: Sequence[int]) -> Sampler:
        """A request's sampler in the state after drawing what ``history`` has after the prompt."""
        options = sampler_options(request, self._vocab.end_tokens, self._breakers_of(request))
        return Sampler(self._library, options, self._vocab_size, history)

    def guided(self, logits: Logits, away: Logits, scale: float) -> Logits:
        """The logits to draw from: ``logits`` guided away from the negative ones."""
        mixed = logits.copy()
        self._library.coblyn_guide(
            mixed.ctypes.data, np.ascontiguousarray(away).ctypes.data, scale, len(mixed)
        )
        return mixed

    def _breakers_of(self, request: Request[Prompt]) -> tuple[tuple[int, ...], ...]:
        params = request.sampling
        if params.dry_multiplier <= 0 or not params.dry_sequence_breakers:
            return ()
        with self._lock:  # several threads may prepare requests at a time
            if self._breakers is None:
                self._breakers = Breakers(self._vocab, self._vocab_size)
            return self._breakers.sequences(params.dry_sequence_breakers)


def sampler_options(
    request: Request[Prompt],
    end_tokens: frozenset[int],
    breakers: tuple[tuple[int, ...], ...] = (),
) -> SamplerOptions:
    """The options of the shim's samplers for a request."""
    params = request.sampling
    bans = tuple((token, -math.inf) for token in end_tokens) if request.ban_eos else ()
    return SamplerOptions(
        seed=params.seed or 0,
        stages=chain(params),
        bias=params.logit_bias + bans,
        breakers=breakers,
        logprobs=params.logprobs,
        logprobs_after=params.logprobs_after,
    )


def sampled(drawn: Sequence[Drawn], sampler: Sampler) -> Sequence[Sampled]:
    """The token that a sampler drew, with its log-probabilities."""
    if not sampler.wants_logprobs:
        return [Sampled(each.token) for each in drawn]
    return [
        Sampled(each.token, each.logprob, _alternatives(sampler, place, each.n_top))
        for place, each in enumerate(drawn)
    ]


def _alternatives(sampler: Sampler, place: int, count: int) -> tuple[tuple[int, float], ...]:
    tokens, logprobs = sampler.top_tokens[place, :count], sampler.top_logprobs[place, :count]
    return tuple(zip(tokens.tolist(), logprobs.tolist(), strict=True))
