"""Compares the predictions of two models by their logits. Pure.

Perplexity and divergence as in llama.cpp's ``llama-perplexity``: over the second half of each chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Comparison", "Quality"]


@dataclass(frozen=True, slots=True)
class Quality:
    """The result over all tokens.

    Attributes:
        num_tokens: Number of predicted tokens.
        perplexity: Perplexity of the first model: the exponential of the mean negative log-likelihood.
        other_perplexity: Perplexity of the second model.
        ratio: The second perplexity divided by the first.
        ratio_error: Standard error of the ratio.
        divergence: Mean Kullback-Leibler divergence of the second from the first, in nats; 0 if equal.
        max_divergence: The largest divergence.
        same_choice: Fraction of the tokens, 0 to 1, for which both consider the same token most likely.
        probability_error: Root of the mean square of the difference in the right token's probability.
    """

    num_tokens: int
    perplexity: float
    other_perplexity: float
    ratio: float
    ratio_error: float
    divergence: float
    max_divergence: float
    same_choice: float
    probability_error: float


@dataclass(slots=True)
class Comparison:
    """Accumulates the logits of both models, and computes their quality."""

    _first: list[NDArray[np.float64]] = field(default_factory=list)
    _second: list[NDArray[np.float64]] = field(default_factory=list)
    _divergences: list[NDArray[np.float64]] = field(default_factory=list)
    _same: int = 0

    def add(
        self,
        first: NDArray[np.float32],
        second: NDArray[np.float32],
        following: NDArray[np.int64],
    ) -> None:
        """Add the logits of both, of shape (tokens, vocabulary), and the ids of the tokens that followed."""
        ours, theirs = _log_probabilities(first), _log_probabilities(second)
        rows = np.arange(len(following))
        self._first.append(ours[rows, following])
        self._second.append(theirs[rows, following])
        self._divergences.append((np.exp(ours) * (ours - theirs)).sum(axis=1))
        self._same += int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())

    def quality(self) -> Quality:
        """The quality over all added tokens."""
        first, second = np.concatenate(self._first), np.concatenate(self._second)
        divergences = np.maximum(np.concatenate(self._divergences), 0)
        differences = first - second
        ratio = math.exp(differences.mean())
        return Quality(
            num_tokens=len(first),
            perplexity=math.exp(-first.mean()),
            other_perplexity=math.exp(-second.mean()),
            ratio=ratio,
            ratio_error=ratio * float(differences.std()) / math.sqrt(len(first)),
            divergence=float(divergences.mean()),
            max_divergence=float(divergences.max()),
            same_choice=self._same / len(first),
            probability_error=float(np.sqrt(np.mean((np.exp(first) - np.exp(second)) ** 2))),
        )


def _log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    wide -= np.log(np.exp(wide).sum(axis=1, keepdims=True))
    return wide
