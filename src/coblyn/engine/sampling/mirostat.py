"""Mirostat: keeps the surprise of drawn tokens at a target, by cutting more or fewer candidates.

Basu et al., "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity", 2020: algorithm 1, and
algorithm 2, which needs no estimate of the vocabulary's distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coblyn.engine.sampling.distribution import (
    LARGEST,
    Logits,
    count,
    keep,
    log_probabilities,
    ranking,
)
from coblyn.engine.sampling.truncation import keep_top_k

__all__ = ["Mirostat", "keep_surprise", "keep_zipf"]

_NUM_ESTIMATED = 100
"""Number of best candidates from which the exponent of Zipf's law is estimated."""


def keep_zipf(logits: Logits, mu: float) -> Logits:
    """Mirostat 1: the ``k`` best, where ``k`` follows from ``mu`` and Zipf's law.

    The exponent is the slope of logits over logarithms of ranks, ``s = sum(t_i * b_i) / sum(t_i**2)`` with
    ``t_i = ln((i + 2) / (i + 1))`` and ``b_i = l_i - l_(i+1)``; then with ``e = s - 1`` and a vocabulary of ``N``
    ``k = (e * 2**mu / (1 - N**-e))**(1 / s)``, rounded down, and at least 1.
    """
    order = ranking(logits)
    if len(order) < 2:
        return logits
    steps = -np.diff(logits[order[:_NUM_ESTIMATED]])
    ranks = np.arange(1, len(steps) + 1)
    t = np.log((ranks + 1) / ranks)
    exponent = float((t * steps).sum() / (t**2).sum())
    return keep_top_k(logits, _num_kept(exponent, mu, len(logits), len(order)))


def _num_kept(exponent: float, mu: float, vocab_size: int, num_candidates: int) -> int:
    excess = exponent - 1
    log_size = np.log(vocab_size)
    if abs(excess) * log_size < 1e-6:
        factor = 1 / log_size  # the limit for e = 0
    elif excess > 0:
        factor = excess / -np.expm1(-excess * log_size)
    else:
        # The same formula in a form that does not overflow.
        factor = -excess * np.exp(excess * log_size) / -np.expm1(excess * log_size)
    log_k = (mu * np.log(2) + np.log(max(factor, 1e-300))) / max(exponent, 1e-6)
    if log_k >= np.log(num_candidates):
        return num_candidates
    return int(np.exp(max(log_k, 0.0)))


def keep_surprise(logits: Logits, mu: float) -> Logits:
    """Mirostat 2: keep the candidates with ``-log2 p <= mu``, and the best one."""
    order = ranking(logits)
    surprise = -log_probabilities(logits)[order] / np.log(2)
    return keep(logits, order[: max(1, int((surprise <= mu).sum()))])


@dataclass(frozen=True, slots=True)
class Mirostat:
    """The state of mirostat before a token is drawn.

    Attributes:
        version: 1 or 2.
        tau: Target of the surprise, in bits.
        eta: Learning rate of ``mu``.
        mu: Starts at twice ``tau`` for each request; KoboldCPP keeps it between requests.
    """

    version: int
    tau: float
    eta: float
    mu: float

    @classmethod
    def start(cls, version: int, tau: float, eta: float) -> Mirostat:
        """The state of a new request, in which ``mu`` is twice ``tau``.

        Args:
            version: 1 or 2.
            tau: The surprise to aim at, in bits.
            eta: Share of the error by which ``mu`` is corrected.
        """
        return cls(version, tau, eta, 2 * tau)

    def truncate(self, logits: Logits) -> Logits:
        """The logits after truncation."""
        if count(logits) < 2:
            return logits
        return keep_zipf(logits, self.mu) if self.version == 1 else keep_surprise(logits, self.mu)

    def remember(self, logits: Logits, token: int) -> Mirostat:
        """The state after a token: ``mu - eta * (surprise - tau)``; ``logits`` are what ``truncate`` left."""
        surprise = -float(log_probabilities(logits)[token]) / np.log(2)
        mu = self.mu - self.eta * (surprise - self.tau)
        return Mirostat(self.version, self.tau, self.eta, float(np.clip(mu, -LARGEST, LARGEST)))
