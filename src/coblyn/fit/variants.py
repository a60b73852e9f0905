"""Which variants of a model this machine has room for: one is measured, the others differ by their weights. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from coblyn.fit.need import Measured, Room, Space, room_for

__all__ = ["Judgement", "Verdict", "judge", "with_weights"]


class Verdict(IntEnum):
    """How well a variant fits: more is better."""

    NONE = 0
    WITH_LESS = 1
    """With a smaller context, fewer requests at a time, or whatever else a load gives up."""
    ALL = 2
    """With all that the settings wish."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of a variant.

    Attributes:
        verdict: How well it fits.
        total: Bytes that it takes with all that is wished, on all devices.
    """

    verdict: Verdict
    total: int


def judge(
    size: int,
    wished: Measured,
    least: Sequence[Measured],
    spaces: Sequence[Space],
    margin: float,
) -> Judgement:
    """Whether a variant fits.

    Args:
        size: Bytes of its weights.
        wished: What another variant of the model takes with all that is wished.
        least: What that takes where all is given up, in several ways.
        spaces: What there is.
        margin: Percent of each device that stays free.
    """
    asked = with_weights(wished, size)
    if room_for(asked, spaces, margin) is Room.ALL:
        return Judgement(Verdict.ALL, asked.total)
    fits = any(room_for(with_weights(each, size), spaces, margin) is Room.ALL for each in least)
    return Judgement(Verdict.WITH_LESS if fits else Verdict.NONE, asked.total)


def with_weights(measured: Measured, size: int) -> Measured:
    """The same with other weights, which are spread over the devices as those were.

    Args:
        measured: What a model takes.
        size: Bytes of the other weights.
    """
    before = sum(need.weights + need.mapped for need in measured.needs)
    share = size / before if before else 0.0
    needs = (
        replace(need, weights=int(need.weights * share), mapped=int(need.mapped * share))
        for need in measured.needs
    )
    return replace(measured, needs=tuple(needs))
