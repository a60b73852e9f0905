"""What the samplers mean, in numpy: one short function each.

The shim (``native/shim/sample.cpp``) does the same fast; property tests hold the two together. Nothing at run time
calls these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import ALL_FORBIDDEN, NO_NUMBERS

__all__ = [
    "apply_bias",
    "apply_penalties",
    "choose",
    "draw",
    "keep_min_p",
    "keep_top_k",
    "keep_top_p",
    "log_probabilities",
    "probabilities",
    "random_number",
]

Logits = NDArray[np.float64]

_MASK = 2**64 - 1


def apply_bias(logits: Logits, bias: tuple[tuple[int, float], ...]) -> Logits:
    """Add to the logits of some tokens; ids outside the vocabulary are ignored."""
    out = logits.copy()
    for token, value in bias:
        if 0 <= token < len(out):
            out[token] += value
    return out


def apply_penalties(logits: Logits, history: list[int], params: SamplingParams) -> Logits:
    """Penalise the tokens in the window.

    KoboldCPP's repetition penalty with range and slope, and OpenAI's presence and frequency penalties. A token in both
    halves of the window counts as one of the newer half.
    """
    window = history[-params.repetition_range :] if params.repetition_range > 0 else history
    newer_half = set(window[len(window) // 2 :])
    newer = params.repetition_penalty
    older = 1 + (newer - 1) * params.repetition_slope if newer > 1 else newer
    out = logits.copy()
    for token in set(window):
        penalty = newer if token in newer_half else older
        out[token] = out[token] / penalty if out[token] > 0 else out[token] * penalty
        out[token] -= params.presence_penalty + params.frequency_penalty * window.count(token)
    return out


def keep_top_k(logits: Logits, k: int) -> Logits:
    """Forbid all but the ``k`` best; of equal ones the lower id is better. 0 keeps all."""
    if not 0 < k < len(logits):
        return logits
    out = np.full_like(logits, -np.inf)
    best = np.argsort(-logits, kind="stable")[:k]
    out[best] = logits[best]
    return out


def keep_top_p(logits: Logits, p: float) -> Logits:
    """Forbid all but the smallest set of best tokens whose probability reaches ``p``."""
    if p >= 1:
        return logits
    order = np.argsort(-logits, kind="stable")
    reached = np.cumsum(probabilities(logits)[order]) >= p
    count = int(np.argmax(reached)) + 1 if reached.any() else len(logits)
    out = np.full_like(logits, -np.inf)
    out[order[:count]] = logits[order[:count]]
    return out


def keep_min_p(logits: Logits, p: float) -> Logits:
    """Forbid tokens less than ``p`` times as likely as the best one."""
    if p <= 0:
        return logits
    return np.where(logits >= logits.max() + np.log(p), logits, -np.inf)


def probabilities(logits: Logits) -> Logits:
    """Softmax."""
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum(), np.float64)


def log_probabilities(logits: Logits) -> Logits:
    """Log-softmax."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), np.float64)


def random_number(seed: int, position: int) -> float:
    """The number in [0, 1) that decides the token at a position: splitmix64's finaliser, twice."""
    return (_mix(_mix(seed) + position & _MASK) >> 11) * 2.0**-53


def _mix(x: int) -> int:
    x = x + 0x9E3779B97F4A7C15 & _MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31


def draw(logits: Logits, number: float) -> int:
    """The token at which the cumulative probability, in the order of ids, first exceeds a number in [0, 1)."""
    cumulative = np.cumsum(probabilities(logits))
    possible = np.flatnonzero(logits > -np.inf)
    above = possible[cumulative[possible] > number * cumulative[-1]]
    return int(above[0]) if len(above) else int(possible[-1])


def choose(logits: Logits, history: list[int], params: SamplingParams) -> int:
    """The next token: all samplers in their order; or why there is none, as in ``plan``."""
    if not np.isfinite(logits.max()):  # NaN, if there is one
        return NO_NUMBERS
    logits = apply_bias(logits, params.logit_bias)
    logits = apply_penalties(logits, history, params)
    if logits.max() == -np.inf:
        return ALL_FORBIDDEN
    if params.is_greedy:
        return int(np.argmax(logits))
    logits = keep_top_k(logits, params.top_k)
    logits = keep_top_p(logits, params.top_p)
    logits = keep_min_p(logits, params.min_p)
    return draw(logits / params.temperature, random_number(params.seed, len(history)))
