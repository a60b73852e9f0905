"""Adaptive-p: steers the probability of drawn tokens towards a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coblyn.engine.sampling.distribution import Logits, probabilities

__all__ = ["Adaptive"]

_PEAK = 5.0
_SHARPNESS = 10.0
_WIDTH = 0.3


@dataclass(frozen=True, slots=True)
class Adaptive:
    """The state of adaptive-p before a token is drawn.

    Attributes:
        target: The mean probability that drawn tokens should have, 0 to 1.
        decay: Weight of the past, clamped to 0.01 to 0.99.
        weighted_sum, total_weight: Running sums over the drawn probabilities; the newest has weight 1.

    MrJackSpade and ddh0, llama.cpp's pull request 17927, 2025; KoboldCPP from 1.104 on.
    """

    target: float
    decay: float
    weighted_sum: float
    total_weight: float

    @classmethod
    def start(cls, target: float, decay: float) -> Adaptive:
        """The initial state: as if all earlier tokens had met the target.

        Args:
            target: The probability to aim at, 0 to 1; below 0 is off.
            decay: Weight of the past, clamped to 0.01 to 0.99.
        """
        held = min(0.99, max(0.01, decay))
        return cls(target, held, target / (1 - held), 1 / (1 - held))

    @property
    def aim(self) -> float:
        """The probability to aim at now: ``2 * target - mean``, clamped to 0 to 1."""
        return min(1.0, max(0.0, 2 * self.target - self.weighted_sum / self.total_weight))

    def reshape(self, logits: Logits) -> Logits:
        """``5 - 10 * d**2 / (1 + |d|)`` with ``d = (p - aim) / 0.3``, as the logit of each candidate.

        A target below 0 is off.
        """
        if self.target < 0:
            return logits
        distance = (probabilities(logits) - self.aim) / _WIDTH
        bent = _PEAK - _SHARPNESS * distance**2 / (1 + np.abs(distance))
        return np.where(logits > -np.inf, bent, -np.inf)

    def remember(self, logits: Logits, token: int) -> Adaptive:
        """The state after a token; ``logits`` are those before ``reshape``."""
        share = float(probabilities(logits)[token])
        return Adaptive(
            self.target,
            self.decay,
            share + self.decay * self.weighted_sum,
            1 + self.decay * self.total_weight,
        )
