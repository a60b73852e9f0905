"""The samplers of the shim by number. No library is loaded for these names."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["Stage", "StageKind"]


class StageKind(IntEnum):
    """What a stage does; ``native/shim/stage_kinds.inc`` has the names of its values."""

    PENALTIES = 1
    DRY = 2
    TOP_K = 3
    TOP_A = 4
    TOP_P = 5
    MIN_P = 6
    TAIL_FREE = 7
    TYPICAL = 8
    TEMPERATURE = 9
    TOP_N_SIGMA = 10
    XTC = 11
    ADAPTIVE_P = 12
    MIROSTAT = 13


class Stage(NamedTuple):
    """One sampler of a chain, and its numbers."""

    kind: StageKind
    values: tuple[float, ...]
