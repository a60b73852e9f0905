"""The draw: random numbers that depend only on seed and position, and the token that such a number picks."""

from __future__ import annotations

import numpy as np

from coblyn.engine.sampling.distribution import Logits, probabilities

__all__ = ["coin", "draw", "random_number"]

_MASK = 2**64 - 1


def random_number(seed: int, position: int) -> float:
    """The number in [0, 1) that decides the token at a position: splitmix64's finaliser, twice.

    Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
    """
    return (_mix(_mix(seed) + position & _MASK) >> 11) * 2.0**-53


def coin(seed: int, position: int) -> float:
    """Another number in [0, 1) for the same position, independent of the first; it decides whether XTC happens."""
    return random_number(_mix(seed), position)


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
