"""Long-running work with visible progress: downloading a model, building an engine, loading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from coblyn.errors import Cancelled, CoblynError
from coblyn.progress import Progress

__all__ = ["Work"]

Kind = Literal["fetch", "build", "load"]

_PARTS = 1000
"""Number of steps into which the loaded fraction is divided."""


@dataclass(slots=True, eq=False)
class Work:
    """One piece of work.

    Attributes:
        name: Name of the model.
        kind: The current activity.
        progress: Its progress; None before it is known.
        failure: The error, if it failed.
        is_unwanted: Whether it was asked to stop.
        is_over: Whether it has ended.
    """

    name: str
    kind: Kind = "load"
    progress: Progress | None = None
    failure: CoblynError | None = None
    is_unwanted: bool = False
    is_over: bool = False

    def report(self, progress: Progress) -> None:
        """Record the progress of work before loading. Any thread may call.

        Raises:
            Cancelled: It was asked to stop.
        """
        if self.is_unwanted:
            raise Cancelled(f"{self.name} is no longer wanted.")
        self.progress = progress

    def to_json(self, loaded: float) -> dict[str, Any]:
        """The work as JSON values.

        Args:
            loaded: Loaded fraction of the model, 0 to 1.
        """
        progress = self.progress
        if self.kind == "load" or progress is None:
            done, total = (round(loaded * _PARTS), _PARTS) if self.kind == "load" else (0, None)
            progress = Progress("", done, total, "parts")
        return {
            "name": self.name,
            "kind": self.kind,
            "phase": progress.phase,
            "done": progress.done,
            "total": progress.total,
            "unit": progress.unit,
        }
