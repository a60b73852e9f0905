"""Samplers of the shim, one object per request."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import Array
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.llama import shim
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library
from coblyn.llama.shim import SamplerParams
from coblyn.llama.stage import Stage

__all__ = ["MAX_DRAWN", "Away", "Draw", "Sampler", "SamplerOptions"]

MAX_DRAWN = 16
"""Maximum number of tokens that one call draws for a row: a sampler has room for the alternatives of so many."""


@dataclass(frozen=True, slots=True)
class SamplerOptions:
    """The sampling options of a request.

    Attributes:
        seed: 0 to 2**64 - 1.
        stages: The stages in order, applied after the bias; at most one of DRY, mirostat and adaptive-p each.
        bias: Pairs of a token id and the value added to its logit.
        breakers: Token sequences that end a repetition for DRY.
        logprobs: None for none, else the number of alternatives.
        logprobs_after: Whether they are those after the samplers, not of the model's own distribution.
    """

    seed: int
    stages: tuple[Stage, ...] = ()
    bias: tuple[tuple[int, float], ...] = ()
    breakers: tuple[tuple[int, ...], ...] = ()
    logprobs: int | None = None
    logprobs_after: bool = False


class Sampler(Handle):
    """Draws the tokens of one request and remembers them.

    Args:
        library: The opened bundle.
        options: How to draw.
        vocab_size: Logits in a row.
        history: Tokens of the prompt, which the penalties see.

    Attributes:
        wants_logprobs: Whether log-probabilities are computed.
        top_tokens, top_logprobs: The alternatives of each token that a call draws, int32 and float32 of ``MAX_DRAWN``
            rows.
    """

    def __init__(
        self, library: Library, options: SamplerOptions, vocab_size: int, history: Sequence[int]
    ) -> None:
        super().__init__(library.coblyn_sampler_free)
        self._library = library
        self._vocab_size = vocab_size
        tokens = np.asarray(history, np.int32)
        bias_tokens = np.asarray([token for token, _ in options.bias], np.int32)
        bias_values = np.asarray([value for _, value in options.bias], np.float32)
        lengths = np.asarray([len(breaker) for breaker in options.breakers], np.int32)
        breakers = np.asarray([token for part in options.breakers for token in part], np.int32)
        params = SamplerParams(
            seed=options.seed,
            n_logprobs=-1 if options.logprobs is None else options.logprobs,
            logprobs_after=options.logprobs_after,
            n_bias=len(options.bias),
            bias_tokens=bias_tokens.ctypes.data,
            bias_values=bias_values.ctypes.data,
            n_stages=len(options.stages),
            stages=_stages(options.stages),
            n_breakers=len(options.breakers),
            breaker_lengths=lengths.ctypes.data,
            breaker_tokens=breakers.ctypes.data,
        )
        self.pointer = library.coblyn_sampler_new(
            params, vocab_size, tokens.ctypes.data, len(tokens)
        )
        self.wants_logprobs = options.logprobs is not None
        shape = (MAX_DRAWN, options.logprobs or 0)
        self.top_tokens: NDArray[np.int32] = np.zeros(shape, np.int32)
        self.top_logprobs: NDArray[np.float32] = np.zeros(shape, np.float32)

    def accept(self, tokens: Sequence[int]) -> None:
        """Remember tokens that were not drawn; the text continues after them."""
        ids = np.asarray(tokens, np.int32)
        self._library.coblyn_sampler_accept(self.pointer, ids.ctypes.data, len(ids))

    def candidates(
        self, logits: NDArray[np.float32], num_stages: int, max_count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], int]:
        """Candidates for the next token after the first stages; does not draw or change the sampler.

        Args:
            logits: float32 of the vocabulary's size; left unchanged.
            num_stages: How many stages are applied after the bias.
            max_count: Maximum number of candidates that are returned.

        Returns:
            Ids and logits of the best candidates, best first, and how many there are in all: -1 if everything is
            forbidden, -2 if the logits are not numbers.
        """
        tokens, values = np.zeros(max_count, np.int32), np.zeros(max_count, np.float32)
        count = self._library.coblyn_candidates(
            self.pointer,
            logits.ctypes.data,
            num_stages,
            max_count,
            tokens.ctypes.data,
            values.ctypes.data,
        )
        told = max(0, min(count, max_count))
        return tokens[:told], values[:told], count


def _stages(stages: Sequence[Stage]) -> Array[shim.Stage]:
    out = (shim.Stage * len(stages))()
    for place, stage in zip(out, stages, strict=True):
        place.kind = stage.kind
        place.values[: len(stage.values)] = stage.values
    return out


class Away(NamedTuple):
    """The negative side of guidance: the same text in another sequence, after the negative prompt.

    Attributes:
        scale: How far, as ``coblyn_guide`` takes it; not 1, which changes nothing.
        sequence: Id in the context.
        position: Where the first token that is drawn goes.
        output: Index in the batch of the token whose logits are used, unless ``logits``.
        logits: float32 of the vocabulary's size, used instead; left unchanged.
        keep: Array of the same shape, into which the logits are copied.
    """

    scale: float
    sequence: int = 0
    position: int = 0
    output: int = 0
    logits: NDArray[np.float32] | None = None
    keep: NDArray[np.float32] | None = None


class Draw(NamedTuple):
    """A draw after the known tokens of a sequence.

    Attributes:
        sampler: It draws.
        sequence: Id in the context.
        position: Where the first token that is drawn goes.
        output: Index in the batch of the token whose logits are used, unless ``logits``.
        num_drafts: Tokens of the batch behind it that are guesses: for each that is right, one more token is drawn.
        max_drawn: Maximum number of tokens, 0 to ``MAX_DRAWN``; 0 if logits are only kept. More than 1 + ``num_drafts``
            asks for further steps, which compute what was drawn; that is not done where there are drafts.
        logits: float32 of the vocabulary's size, used instead; left unchanged.
        keep: Array of the same shape, into which the raw logits of the first token are copied.
        mask: A bit for each token of the vocabulary, in words of 32, lowest first: only tokens whose bit is set are
            drawn; of each draft and one more, if there are drafts. Log-probabilities are those without it.
        away: What the logits are guided away from, before all else; then without drafts.
    """

    sampler: Sampler
    sequence: int = 0
    position: int = 0
    output: int = 0
    num_drafts: int = 0
    max_drawn: int = 1
    logits: NDArray[np.float32] | None = None
    keep: NDArray[np.float32] | None = None
    mask: NDArray[np.uint32] | None = None
    away: Away | None = None
