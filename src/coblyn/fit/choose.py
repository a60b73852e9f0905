"""Finds the configuration that fits and gives up the least. Pure, except for the measurement passed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coblyn.engine.config import EngineConfig
from coblyn.fit.ladder import Facts, changed, ladder, with_value

__all__ = ["choose"]

Fits = Callable[[EngineConfig], bool]
"""Says whether a configuration fits; may take a while."""


def choose(
    config: EngineConfig, facts: Facts, fits: Fits, *, kept: frozenset[str] = frozenset()
) -> EngineConfig | None:
    """Give up as little as possible, in the user's order.

    Each setting is finally restored as far as it fits, since later ones may have freed more than was missing.

    Args:
        config: The requested configuration, with explicit numbers as ``wished`` makes them.
        facts: Facts about the model and the machine.
        fits: Called for some steps of the ladder only.
        kept: Settings that are not changed.

    Returns:
        A configuration that fits; None if none does.
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
    """The values of a setting on a ladder, most generous first."""
    return list(dict.fromkeys(getattr(rung, knob) for rung in rungs))
