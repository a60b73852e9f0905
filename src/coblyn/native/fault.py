"""The reason why a bundle must not be used: a fault found by its proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from coblyn.crash import Crash
from coblyn.progress import Report

__all__ = ["Fault", "FaultKind", "Prove"]


class FaultKind(StrEnum):
    """How a proof failed."""

    CRASH = "crash"  # the process died of a signal
    WRONG = "wrong"  # numbers are wrong
    HANG = "hang"  # it took too long
    FAILED = "failed"  # the library refused, or could not be loaded


@dataclass(frozen=True, slots=True)
class Fault:
    """The fault found while a bundle was proved.

    Attributes:
        kind: How it failed.
        stage: The stage that failed: "product of q4_1, 33 rows, 2 threads".
        message: The known details, as one sentence.
        crash: The instruction, for a crash whose process could report it.
        error: Normalised error of the numbers; 0 unless they are wrong.
        variant: File name of the CPU library that was in use, "libggml-cpu-haswell.so".
        log: The last lines of the process, oldest first.
    """

    kind: FaultKind
    stage: str
    message: str
    crash: Crash | None = None
    error: float = 0.0
    variant: str = ""
    log: tuple[str, ...] = ()


Prove = Callable[[Path, Report], Fault | None]
"""Proves the bundle whose libraries are in a directory; None if it runs and computes correctly."""
