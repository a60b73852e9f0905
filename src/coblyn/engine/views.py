"""Views of the candidates for the next token after each sampler of a chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.interface import Vocab
from coblyn.engine.params import SamplingParams
from coblyn.engine.sampling.distribution import probabilities
from coblyn.engine.stage_view import Candidate, StageView
from coblyn.engine.stages import STAGES, chain
from coblyn.errors import BadRequest
from coblyn.llama.sampler import Sampler
from coblyn.llama.stage import Stage

__all__ = ["view_of", "views_of"]


def views_of(
    sampler: Sampler,
    logits: NDArray[np.float32],
    params: SamplingParams,
    vocab: Vocab,
    max_count: int,
) -> list[StageView]:
    """The candidates of a row of logits: the model's own, then those that each sampler leaves.

    Args:
        sampler: The request's sampler; it is not changed.
        logits: float32 of the vocabulary's size.
        params: The parameters that ``sampler`` was made from.
        vocab: Gives the texts of tokens.
        max_count: Maximum number of candidates listed per stage.

    Raises:
        BadRequest: No candidate is left.
    """
    views = []
    for place, stage in enumerate((None, *chain(params))):
        tokens, values, count = sampler.candidates(logits, place, len(logits))
        if count < 0:
            raise BadRequest("No token is left to choose.", field="logit_bias")
        views.append(view_of(stage, count, tokens, values.astype(np.float64), vocab, max_count))
    return views


def view_of(
    stage: Stage | None,
    count: int,
    tokens: NDArray[np.int32],
    logits: NDArray[np.float64],
    vocab: Vocab,
    max_count: int,
) -> StageView:
    """The view of a stage, from all its candidates and their logits, best first."""
    shares = probabilities(logits)[:max_count].tolist()
    told = tuple(
        Candidate(token, vocab.piece(token, special=True), share)
        for token, share in zip(tokens[:max_count].tolist(), shares, strict=True)
    )
    return StageView(*_named(stage), count, told)


def _named(stage: Stage | None) -> tuple[str, dict[str, float]]:
    """The name of a sampler, and its parameters by name; the candidate limit is a top-k too."""
    if stage is None:
        return "model", {}
    name = next(name for name, row in reversed(tuple(STAGES.items())) if row.kind == stage.kind)
    return name, dict(zip(STAGES[name].parameters, stage.values, strict=True))
