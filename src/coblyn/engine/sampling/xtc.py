"""XTC: exclude top choices."""

from __future__ import annotations

import numpy as np

from coblyn.engine.sampling.distribution import Logits, bound, probabilities, ranking

__all__ = ["exclude_top_choices"]

_LOWERED = 999.0
"""Subtracted from excluded logits, as in KoboldCPP: practically out of reach, but still candidates."""


def exclude_top_choices(
    logits: Logits, threshold: float, probability: float, number: float
) -> Logits:
    """Lower all tokens above the threshold except the least likely of them.

    Happens if a random number in [0, 1) is below ``probability``. Of the tokens with ``p >= threshold``, if there are
    at least two, all but the last get 999 less. A threshold above 0.5 can have no two, and is off.
    p-e-w, text-generation-webui's pull request 6335, 2024.
    """
    if threshold > 0.5 or number >= probability:
        return logits
    order = ranking(logits)
    viable = order[probabilities(logits)[order] >= threshold]
    out = logits.copy()
    out[viable[:-1]] -= _LOWERED
    return bound(np.asarray(out))
