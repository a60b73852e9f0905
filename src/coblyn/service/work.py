"""Work that takes long and that people watch: fetching a model, building an engine, loading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from coblyn.errors import Cancelled, CoblynError
from coblyn.progress import Progress

__all__ = ["Work"]

Kind = Literal["fetch", "build", "load"]

_PARTS = 1000
"""Into how many steps a fraction of a load is counted."""


@dataclass(slots=True, eq=False)
class Work:
    """One piece of it.

    Attributes:
        name: The model that it is for.
        kind: What is being done now.
        progress: How far that is; None before it is known.
        failure: Why it ended, where it failed.
        is_unwanted: Someone has asked for its end.
        is_over: It has ended.
    """

    name: str
    kind: Kind = "load"
    progress: Progress | None = None
    failure: CoblynError | None = None
    is_unwanted: bool = False
    is_over: bool = False

    def report(self, progress: Progress) -> None:
        """Take a report of what is done before the model can be loaded; any thread may call.

        Raises:
            Cancelled: It is no longer wanted.
        """
        if self.is_unwanted:
            raise Cancelled(f"{self.name} is no longer wanted.")
        self.progress = progress

    def to_json(self, loaded: float) -> dict[str, Any]:
        """What is told of it.

        Args:
            loaded: The fraction of the model that is loaded, 0 to 1.
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
