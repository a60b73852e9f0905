"""The configuration that gives up the least of those that fit. Pure, but for what measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coblyn.engine.config import EngineConfig
from coblyn.fit.ladder import Facts, changed, ladder, with_value

__all__ = ["choose"]

Fits = Callable[[EngineConfig], bool]
"""Whether a configuration fits; it may take a while."""


def choose(
    config: EngineConfig, facts: Facts, fits: Fits, *, kept: frozenset[str] = frozenset()
) -> EngineConfig | None:
    """Give up as little as possible, in the user's order.

    A knob is turned back again as far as that fits, since those behind it may have given up more than was missing.

    Args:
        config: What is wished; its numbers are plain, as ``wished`` makes them.
        facts: Of the model and the machine.
        fits: Asked about some rungs of the ladder only.
        kept: Settings that are not touched.

    Returns:
        One that fits; None if none does.
    """
    rungs = ladder(config, facts, kept=kept)
    if fits(rungs[0]):
        return rungs[0]
    low, high = 0, len(rungs) - 1  # the first does not fit; whether the last does is not known yet
    if low == high or not fits(rungs[high]):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(rungs[middle]) else (middle, high)
    return _turned_back(config, rungs[high], fits, rungs)


def _turned_back(
    config: EngineConfig, chosen: EngineConfig, fits: Fits, rungs: tuple[EngineConfig, ...]
) -> EngineConfig:
    given_up = list(changed(config, chosen))
    for knob in reversed(given_up[:-1]):
        for value in _values(rungs, knob):
            if value == getattr(chosen, knob):
                break
            other = with_value(chosen, knob, value)
            if fits(other):
                chosen = other
                break
    return chosen


def _values(rungs: tuple[EngineConfig, ...], knob: str) -> list[Any]:
    """The values that a knob has on a ladder, the most generous first."""
    return list(dict.fromkeys(getattr(rung, knob) for rung in rungs))
