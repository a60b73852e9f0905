"""Measures the errors of numbers, and defines the limits. Pure."""

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
test-backend-ops allows a device. A quantised product on a sound device has about 0.005."""

MAX_DIVERGENCE = 0.1
"""Largest Kullback-Leibler divergence from the reference's distribution, in nats. Different rounding causes some
thousandths, two hundredths in a tiny model; a device that computes nonsense causes several nats."""

_OUTLIER = 5
"""The largest of many normally distributed differences is about this many times their root mean square."""


def normalised_error(result: NDArray[np.float32], reference: Matrix) -> float:
    """Norm of the difference divided by the norm of the reference; infinite if a number is not finite."""
    if not np.isfinite(result).all():
        return float("inf")
    size = float(np.linalg.norm(reference)) or 1.0
    return float(np.linalg.norm(result - reference)) / size


def product_error(result: NDArray[np.float32], reference: Matrix) -> float:
    """The normalised error, or a fifth of the largest single difference, whichever is greater.

    A single wrong number among thousands hardly changes their norm; a fifth of its difference, measured in the
    reference's root mean square, shows it.
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
