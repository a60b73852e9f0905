"""The protocol for loading more models while a server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from coblyn.engine.interface import EngineClient
from coblyn.models.adapter import AdapterSpec
from coblyn.progress import Progress

__all__ = ["Loader"]


class Loader(Protocol):
    """Starts and ends engines. The engine that the server started with can be put to sleep; all others are closed."""

    def fits(self, path: Path) -> bool:
        """Whether the model in a file fits in memory beside the loaded models; blocks briefly."""
        ...

    def survey(self, path: Path) -> dict[str, Any]:
        """The memory that the model in a file takes, and the settings to give up for it; blocks for seconds.

        Raises:
            ModelError: The file cannot be read.
        """
        ...

    def adapters(self, path: Path) -> tuple[AdapterSpec, ...]:
        """The adapters with which a file would be loaded; none if what is set for it is wrong. Blocks briefly."""
        ...

    def progress(self, path: Path) -> Progress:
        """How far the model in a file is on its way, or what is built for it."""
        ...

    async def load(self, path: Path) -> EngineClient:
        """Load a file in a new engine.

        Raises:
            CoblynError: The file is not a model, or it cannot be loaded.
        """
        ...

    async def release(self, engine: EngineClient) -> None:
        """Close an engine that ``load`` gave."""
        ...

    async def sleep(self) -> None:
        """Unload the model that the server started with, after its requests have ended."""
        ...

    async def wake(self) -> None:
        """Load the sleeping model again.

        Raises:
            CoblynError: It cannot be loaded any longer.
        """
        ...
