"""Candidates of the fake runner: a scripted distribution, and what each sampler leaves of it."""

from __future__ import annotations

import numpy as np

from coblyn.engine.fake_vocab import BOS, END, FakeVocab
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.sampling.chain import Chain
from coblyn.engine.stage_view import StageView
from coblyn.engine.stages import chain
from coblyn.engine.views import view_of

__all__ = ["fake_views"]


def fake_views(request: Request[Prompt], likely: int, max_count: int) -> list[StageView]:
    """Views of a distribution over all bytes, each half as likely as the one before, with the numpy samplers.

    Args:
        request: Gives the samplers, and the tokens that they remember.
        likely: The most likely byte.
        max_count: Maximum number of candidates listed for each stage.
    """
    order = [likely, *(token for token in range(BOS) if token != likely)]
    logits = np.full(END + 1, -np.inf)
    logits[order] = np.log(0.5) * np.arange(1, BOS + 1)
    params, vocab = request.sampling, FakeVocab()
    stages = chain(params)
    applied = Chain(stages, params.seed or 0, list(request.prompt.ids)).apply(logits)
    views = []
    for stage, left in zip((None, *stages), applied, strict=True):
        best = np.argsort(-left, kind="stable")[: int(np.isfinite(left).sum())].astype(np.int32)
        views.append(view_of(stage, len(best), best, left[best], vocab, max_count))
    return views
