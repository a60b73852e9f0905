"""Temperature, fixed or by entropy, and the smoothing that KoboldCPP applies with it."""

from __future__ import annotations

import numpy as np

from coblyn.engine.sampling.distribution import Logits, bound, count, entropy
from coblyn.engine.sampling.truncation import keep_top_k

__all__ = ["MIN_TEMPERATURE", "dynamic_temperature", "scale", "smooth"]

MIN_TEMPERATURE = 1e-30
"""Dividing a logit by less may overflow; the most likely token is always drawn at far higher temperatures already."""

_MIN_DYNAMIC = 1e-3
"""Minimum of the dynamic temperature, where KoboldCPP divides by zero."""


def scale(logits: Logits, temperature: float) -> Logits:
    """``l / temperature``; at 0 and below only the best token stays (greedy)."""
    if temperature < MIN_TEMPERATURE:
        return keep_top_k(logits, 1)
    return bound(logits / temperature)


def dynamic_temperature(
    logits: Logits, temperature: float, spread: float, exponent: float
) -> float:
    """A temperature that rises with the entropy, from ``temperature - spread`` to ``temperature + spread``.

    ``low + (high - low) * (H / ln n)**exponent`` for ``n`` candidates, where both ends and the exponent are at least 0.
    With a negative spread it falls with the entropy. It is 1 for a single candidate, which no temperature changes.
    KoboldCPP's pull request 570 (kalomaze, 2023).
    """
    num_candidates = count(logits)
    if num_candidates < 2:
        return 1.0
    low, high = max(0.0, temperature - spread), max(0.0, temperature + spread)
    share = min(1.0, entropy(logits) / np.log(num_candidates))
    return max(_MIN_DYNAMIC, float(low + (high - low) * share ** max(0.0, exponent)))


def smooth(logits: Logits, factor: float, curve: float = 1.0) -> Logits:
    """Lower the logits, more so the further they are from the best one; a factor of 0 is off.

    With ``x = l - max(l)``: ``l = max(l) - factor * (k * x**2 - s * x**3)``, ``k = (3 - curve) / 2``,
    ``s = (curve - 1) / 2``. A curve of 1 leaves only the square. Quadratic sampling: kalomaze, 2024; the curve:
    text-generation-webui's pull request 5551.
    """
    if factor <= 0 or count(logits) < 2:
        return logits
    best = logits.max()
    candidates = logits > -np.inf
    x = np.where(candidates, logits - best, 0.0)
    k, s = (3 - curve) / 2, (curve - 1) / 2
    return np.where(candidates, bound(best - factor * (k * x**2 - s * x**3)), -np.inf)
