"""DRY ("don't repeat yourself"): penalizes tokens that would continue a repetition, by its length.

p-e-w, text-generation-webui's pull request 5677, 2024; sequence breakers and the order of steps as KoboldCPP's pull
request 982 (pi6am) has them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coblyn.engine.sampling.distribution import LARGEST, Logits, bound

__all__ = ["longest_repeats", "penalize_repeats", "tokens_since_breaker"]

_LOG_OF_LARGEST_FLOAT = 88.7228391


def penalize_repeats(
    logits: Logits,
    history: Sequence[int],
    *,
    multiplier: float,
    base: float = 1.75,
    allowed_length: int = 2,
    last_n: int = 0,
    breakers: Sequence[Sequence[int]] = (),
) -> Logits:
    """Subtract ``multiplier * base**(L - allowed_length)`` from tokens that would continue a repetition of length L.

    Args:
        logits: Logits of the next token.
        history: All tokens of the context, prompt included.
        multiplier: 0 or less is off, as is a ``base`` of 0 or less.
        base: Above 1.000001, the exponent is limited so that nothing overflows.
        allowed_length: Repetitions shorter than this are not penalized.
        last_n: Number of tokens at the end to search; 0 or less searches all.
        breakers: Token sequences that end a repetition.
    """
    if multiplier <= 0 or base <= 0:
        return logits
    window = history[-last_n:] if last_n > 0 else history
    limit = tokens_since_breaker(window, breakers)
    if min(limit, len(window)) <= allowed_length:
        return logits
    out = logits.copy()
    for token, length in longest_repeats(window, limit).items():
        if length >= allowed_length and 0 <= token < len(out):
            out[token] -= _penalty(length - allowed_length, multiplier, base)
    return bound(out)


def _penalty(excess: int, multiplier: float, base: float) -> float:
    if base > 1.000001:
        excess = min(excess, int(_LOG_OF_LARGEST_FLOAT / np.log(base)))
    return float(min(multiplier * base**excess, LARGEST))


def longest_repeats(window: Sequence[int], limit: int) -> dict[int, int]:
    """For each token that occurred after an earlier match of the end: the length of that match.

    Gives the longest match per token, at most ``limit``.
    """
    found: dict[int, int] = {}
    for end in range(len(window) - 1):
        length = 0
        while length <= end and window[end - length] == window[-1 - length]:
            length += 1
        follower = window[end + 1]
        found[follower] = max(found.get(follower, 0), min(length, limit))
    return found


def tokens_since_breaker(window: Sequence[int], breakers: Sequence[Sequence[int]]) -> int:
    """Number of tokens after the last breaker; all of the window if there is none.

    The last breaker is the one that begins last; of several that begin there, the longest.
    """
    for start in range(len(window) - 1, -1, -1):
        rest = list(window[start:])
        matches = [len(breaker) for breaker in breakers if rest[: len(breaker)] == list(breaker)]
        if matches:
            return len(rest) - max(matches)
    return len(window)
