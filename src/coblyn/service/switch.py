"""What exchanges the model that answers requests which name none."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coblyn.progress import Report

__all__ = ["Switch"]


class Switch(Protocol):
    """Loads another model in place of the one that answers, or none."""

    @property
    def loaded(self) -> float:
        """Fraction, 0 to 1, of the model that is on its way."""
        ...

    async def load(self, path: Path, report: Report) -> None:
        """Load a file; from then on it answers. What was loaded before goes on if that fails.

        Args:
            path: The file.
            report: Told of what has to be done before, such as a build; from any thread.

        Raises:
            CoblynError: The file is not a model, or it cannot be loaded.
        """
        ...

    async def unload(self) -> None:
        """Unload the model that answers; its requests end first."""
        ...
