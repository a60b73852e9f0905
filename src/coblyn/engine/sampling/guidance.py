"""Classifier-free guidance: away from what a negative prompt leads to."""

from __future__ import annotations

import numpy as np

from coblyn.engine.sampling.distribution import Logits, bound

__all__ = ["guide"]


def guide(logits: Logits, negative: Logits, scale: float) -> Logits:
    """``n + scale * (l - n)``: 1 changes nothing, 0 leaves the negative prompt's logits.

    On logits as the model gives them, before all samplers, as KoboldCPP and llama.cpp have it; a constant added to
    either drops out with the draw, so that log-probabilities, which the paper writes, come to the same. What one of
    the two excludes stays as ``logits`` have it. Sanchez et al., "Stay on topic with Classifier-Free Guidance", 2023.
    """
    excluded = (logits == -np.inf) | (negative == -np.inf)
    are_numbers = np.isfinite(logits) & np.isfinite(negative)
    with np.errstate(invalid="ignore"):
        mixed = bound(negative + scale * bound(logits - negative))
    return np.where(excluded, logits, np.where(are_numbers, mixed, np.nan))
