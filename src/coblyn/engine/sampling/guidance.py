"""Classifier-free guidance: moves the logits away from those of a negative prompt."""

from __future__ import annotations

import numpy as np

from coblyn.engine.sampling.distribution import Logits, bound

__all__ = ["guide"]


def guide(logits: Logits, negative: Logits, scale: float) -> Logits:
    """``n + scale * (l - n)``: 1 changes nothing, 0 leaves the negative prompt's logits.

    Applied to the model's logits before all samplers, as in KoboldCPP and llama.cpp. A constant added to either side
    does not change the draw, so this equals the paper's formula on log-probabilities. Tokens that either side excludes
    keep their value in ``logits``. Sanchez et al., "Stay on topic with Classifier-Free Guidance", 2023.
    """
    excluded = (logits == -np.inf) | (negative == -np.inf)
    are_numbers = np.isfinite(logits) & np.isfinite(negative)
    with np.errstate(invalid="ignore"):
        mixed = bound(negative + scale * bound(logits - negative))
    return np.where(excluded, logits, np.where(are_numbers, mixed, np.nan))
