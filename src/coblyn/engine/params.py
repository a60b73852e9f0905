"""How one request samples: values only, checked once where they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coblyn.errors import BadRequest

__all__ = ["MAX_TOP_LOGPROBS", "SamplingParams"]

MAX_TOP_LOGPROBS = 20
"""The most alternatives a token that can be asked for (OpenAI's limit)."""

MAX_SEED = 2**64 - 1

_MAX = 1e30
"""Larger numbers are none in the samplers, which compute in single precision and add up what a context holds."""

_MIN_TEMPERATURE = 1e-30
"""Below this a logit divided by it is no number any more; long before, the most likely token is always drawn."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """Sampling parameters of one request; the defaults change nothing and draw from the model's distribution.

    The samplers run in KoboldCPP's default order: logit bias, repetition/presence/frequency penalties, top-k,
    top-p, min-p, temperature, draw.

    Attributes:
        temperature: Divides the logits; below 1e-30 the most likely token is taken (greedy).
        top_k: Keep the k most likely tokens; 0 or less keeps all.
        top_p: Keep the smallest set of most likely tokens whose probability reaches this; 1 keeps all.
        min_p: Keep tokens at least this fraction as likely as the most likely one, 0 to 1; 0 keeps all.
        repetition_penalty: Divides positive and multiplies negative logits of tokens in the window; 1 is off.
        repetition_range: Tokens at the end of the context that the penalties see; 0 or less sees all.
        repetition_slope: Weight of ``repetition_penalty`` in the older half of the window, above 0 to 1.
        presence_penalty: Subtracted from the logits of tokens that occur in the window.
        frequency_penalty: Subtracted once for each occurrence in the window.
        logit_bias: Pairs of token id and value added to its logit; minus infinity forbids it.
        seed: 0 to 2**64 - 1. The random number of a step depends on (seed, position) only.
        logprobs: None for no log-probabilities, else how many alternatives a token, 0 to 20. They are the
            model's own, before any sampler.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    repetition_range: int = 0
    repetition_slope: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    seed: int = 0
    logprobs: int | None = None

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            BadRequest: A value is out of range or not a number; ``field`` names it.
        """
        for field in ("temperature", "presence_penalty", "frequency_penalty"):
            _require(abs(getattr(self, field)) <= _MAX, field, f"between -{_MAX:g} and {_MAX:g}")
        for field in ("top_k", "repetition_range"):
            _require(-(2**31) <= getattr(self, field) < 2**31, field, "an integer of 32 bits")
        _require(math.isfinite(self.top_p), "top_p", "a finite number")
        _require(0 <= self.min_p <= 1, "min_p", "between 0 and 1")
        _require(self.top_p > 0, "top_p", "above 0")
        penalty = self.repetition_penalty
        _require(1 / _MAX <= penalty <= _MAX, "repetition_penalty", f"above 0 and at most {_MAX:g}")
        _require(0 < self.repetition_slope <= 1, "repetition_slope", "above 0 and at most 1")
        _require(0 <= self.seed <= MAX_SEED, "seed", "between 0 and 2**64 - 1")
        for token, bias in self.logit_bias:
            _require(0 <= token < 2**31, "logit_bias", "about token ids: 0 to 2**31 - 1")
            is_sane = bias == -math.inf or abs(bias) <= _MAX
            _require(is_sane, "logit_bias", f"numbers between -{_MAX:g} and {_MAX:g}, or -inf")
        top = self.logprobs
        _require(
            top is None or 0 <= top <= MAX_TOP_LOGPROBS,
            "logprobs",
            f"between 0 and {MAX_TOP_LOGPROBS}",
        )

    @property
    def is_greedy(self) -> bool:
        """Whether the most likely token is taken without a draw."""
        return self.temperature < _MIN_TEMPERATURE


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise BadRequest(f"{field} must be {rule}.", field=field)
