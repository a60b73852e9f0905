"""Progress of long work, as values: workers report it, and the display decides how to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Progress", "Report", "both", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One report.

    Attributes:
        phase: What is being done, such as "Fetching llama.cpp" or "Compiling".
        done: Units that are done.
        total: Units in all, or None while that is unknown.
        unit: "bytes", "steps", "tokens" or "chunks".
        detail: The thing in hand, such as a file name; may be empty.
    """

    phase: str
    done: int
    total: int | None
    unit: str = "steps"
    detail: str = ""


Report = Callable[[Progress], None]


def both(one: Report, other: Report) -> Report:
    """A receiver that tells two."""

    def tell(progress: Progress) -> None:
        one(progress)
        other(progress)

    return tell


def silent(_: Progress) -> None:
    """Report to nobody."""
