"""The protocol for replacing the default model."""

from __future__ import annotations

from typing import Protocol

from coblyn.models.setup import Setup
from coblyn.progress import Report

__all__ = ["Switch"]


class Switch(Protocol):
    """Replaces or unloads the default model."""

    @property
    def loaded(self) -> float:
        """Loaded fraction, 0 to 1, of the model being loaded."""
        ...

    async def load(self, setup: Setup, report: Report) -> None:
        """Load another model as the default one. If that fails, the old model goes on.

        Args:
            setup: The model.
            report: Called with the progress of work before loading, such as a build; from any thread.

        Raises:
            CoblynError: Its file is not a model, or it cannot be loaded.
        """
        ...

    async def unload(self) -> None:
        """Unload the default model after its requests have ended."""
        ...
