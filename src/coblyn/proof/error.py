"""How far numbers are from what they should be, and how far they may be. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MAX_DIVERGENCE",
    "MAX_ERROR",
    "divergence",
    "log_softmax",
    "normalised_error",
    "product_error",
]

Matrix = NDArray[np.float64]

MAX_ERROR = 0.0224
"""Largest normalised error of a matrix product: the square root of 5e-4, the mean square error that llama.cpp's own
test-backend-ops allows a device. A quantised product on a sound device is at about 0.005."""

MAX_DIVERGENCE = 0.1
"""Largest Kullback-Leibler divergence from the reference's distribution, in nats. Other rounding makes some
thousandths, two hundredths in a tiny model; a device that computes nonsense makes several whole ones."""

_OUTLIER = 5
"""The largest of many normally distributed differences is about so many times their root mean square."""


def normalised_error(result: NDArray[np.float32], reference: Matrix) -> float:
    """Norm of the difference, in norms of the reference; infinite if a number is none."""
    if not np.isfinite(result).all():
        return float("inf")
    size = float(np.linalg.norm(reference)) or 1.0
    return float(np.linalg.norm(result - reference)) / size


def product_error(result: NDArray[np.float32], reference: Matrix) -> float:
    """The normalised error, or what the largest single difference says, if that is more.

    One wrong number among thousands hides in their norm; a fifth of its difference, in root mean squares of the
    reference, does not.
    """
    error = normalised_error(result, reference)
    size = float(np.sqrt(np.mean(np.square(reference)))) or 1.0
    return max(error, float(np.max(np.abs(result - reference))) / size / _OUTLIER)


def divergence(logits: NDArray[np.float32], reference: NDArray[np.floating]) -> float:
    """Kullback-Leibler divergence of a distribution from the reference's, in nats, from the logits of both."""
    p, q = log_softmax(logits), log_softmax(reference)
    return float(np.sum(np.exp(p) * (p - q)))


def log_softmax(logits: NDArray[np.floating]) -> Matrix:
    """Logarithms of the probabilities."""
    shifted = logits.astype(np.float64) - float(logits.max())
    return shifted - float(np.log(np.sum(np.exp(shifted))))
