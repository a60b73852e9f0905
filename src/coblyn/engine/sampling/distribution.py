"""A row of logits as a probability distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LARGEST",
    "Logits",
    "bound",
    "count",
    "entropy",
    "keep",
    "log_probabilities",
    "probabilities",
    "ranking",
]

Logits = NDArray[np.float64]

LARGEST = 1e30
"""Finite logits are clamped to minus this to this, since the shim computes in single precision."""


def probabilities(logits: Logits) -> Logits:
    """Softmax: probabilities of all ids, 0 for those that are no candidates."""
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum(), np.float64)


def log_probabilities(logits: Logits) -> Logits:
    """Log-softmax in nats: -inf for ids that are no candidates."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), np.float64)


def entropy(logits: Logits) -> float:
    """Shannon's entropy in nats: ``-sum(p ln p)``, from 0 to the logarithm of the number of candidates."""
    shares = probabilities(logits)
    possible = shares[shares > 0]
    return float(-(possible * np.log(possible)).sum())


def count(logits: Logits) -> int:
    """Number of candidates."""
    return int((logits > -np.inf).sum())


def ranking(logits: Logits) -> NDArray[np.intp]:
    """Ids of the candidates, best first; of equal ones the smaller id first."""
    return np.argsort(-logits, kind="stable")[: count(logits)]


def keep(logits: Logits, tokens: NDArray[np.intp]) -> Logits:
    """Keep only these ids as candidates: the logits of all others become -inf."""
    out = np.full_like(logits, -np.inf)
    out[tokens] = logits[tokens]
    return out


def bound(logits: Logits) -> Logits:
    """Clamp finite and overflowed logits to ``-LARGEST`` to ``LARGEST``."""
    return np.where(logits > -np.inf, np.clip(logits, -LARGEST, LARGEST), -np.inf)
