"""Penalties on tokens that occurred: repetition, presence, frequency."""

from __future__ import annotations

from typing import Protocol

from coblyn.engine.sampling.distribution import Logits, bound

__all__ = ["Penalties", "apply_penalties", "penalize"]


class Penalties(Protocol):
    """The parameters of the penalties, as ``SamplingParams`` has them."""

    @property
    def repetition_penalty(self) -> float:
        """Divides positive and multiplies other logits; 1 is off."""

    @property
    def repetition_range(self) -> int:
        """Number of tokens at the end that count; 0 or less counts all."""

    @property
    def repetition_slope(self) -> float:
        """Weight of the penalty in the older half, above 0 to 1."""

    @property
    def presence_penalty(self) -> float:
        """Subtracted from the logits of tokens that occur."""

    @property
    def frequency_penalty(self) -> float:
        """Subtracted once for each occurrence."""


def apply_penalties(logits: Logits, history: list[int], params: Penalties) -> Logits:
    """Apply ``penalize`` with the parameters of a request."""
    return penalize(
        logits,
        history,
        params.repetition_penalty,
        params.repetition_range,
        params.repetition_slope,
        params.presence_penalty,
        params.frequency_penalty,
    )


def penalize(
    logits: Logits,
    history: list[int],
    repetition: float,
    last_n: int = 0,
    slope: float = 1.0,
    presence: float = 0.0,
    frequency: float = 0.0,
) -> Logits:
    """Penalize the tokens in the window: the last ``last_n`` of the history, or all if that is 0 or less.

    ``l = l / r`` where ``l > 0``, else ``l * r``; then ``l -= presence + frequency * count``. In the older half of
    the window ``r`` is ``1 + (r - 1) * slope`` where ``r > 1``; a token in both halves counts as in the newer one.

    Repetition penalty: Keskar et al., "CTRL", 2019, section 4.1, with the multiplication of negative logits that
    all programs have since. Range and slope: KoboldAI and KoboldCPP. Presence and frequency: OpenAI's API.
    """
    window = history[-last_n:] if last_n > 0 else history
    newer_half = set(window[len(window) // 2 :])
    older = 1 + (repetition - 1) * slope if repetition > 1 else repetition
    out = logits.copy()
    for token in set(window):
        penalty = repetition if token in newer_half else older
        out[token] = out[token] / penalty if out[token] > 0 else out[token] * penalty
        out[token] -= presence + frequency * window.count(token)
    return bound(out)
