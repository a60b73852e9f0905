"""All samplers of a request in their order."""

from __future__ import annotations

import numpy as np

from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import ALL_FORBIDDEN, NO_NUMBERS
from coblyn.engine.sampling.bias import apply_bias
from coblyn.engine.sampling.distribution import Logits
from coblyn.engine.sampling.draw import draw, random_number
from coblyn.engine.sampling.penalties import apply_penalties
from coblyn.engine.sampling.temperature import scale
from coblyn.engine.sampling.truncation import keep_min_p, keep_top_k, keep_top_p

__all__ = ["choose"]


def choose(logits: Logits, history: list[int], params: SamplingParams) -> int:
    """The next token: all samplers in their order; or why there is none, as in ``plan``."""
    if not np.isfinite(logits.max()):  # NaN, if there is one
        return NO_NUMBERS
    logits = apply_bias(logits, params.logit_bias)
    logits = apply_penalties(logits, history, params)
    if logits.max() == -np.inf:
        return ALL_FORBIDDEN
    logits = keep_top_k(logits, params.top_k)
    logits = keep_top_p(logits, params.top_p)
    logits = keep_min_p(logits, params.min_p)
    logits = scale(logits, params.temperature)
    return draw(logits, random_number(params.seed or 0, len(history)))
