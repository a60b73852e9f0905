"""Progress of long work, as values: workers report it, and the display decides how to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Progress", "Report", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One report.

    Attributes:
        phase: What is being done, such as "Fetching llama.cpp" or "Compiling".
        done: Units that are done.
        total: Units in all, or None while that is unknown.
        unit: "bytes", "steps" or "tokens".
        detail: The thing in hand, such as a file name; may be empty.
    """

    phase: str
    done: int
    total: int | None
    unit: str = "steps"
    detail: str = ""


Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Report to nobody."""
