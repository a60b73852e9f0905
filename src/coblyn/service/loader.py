"""The protocol for loading more models while a server runs."""

from __future__ import annotations

from typing import Any, Protocol

from coblyn.engine.interface import EngineClient
from coblyn.models.adapter import AdapterSpec
from coblyn.models.setup import Setup
from coblyn.progress import Progress

__all__ = ["Loader"]


class Loader(Protocol):
    """Starts and ends engines. The engine that the server started with can be put to sleep; all others are closed."""

    def fits(self, setup: Setup) -> bool:
        """Whether a model fits in memory beside the loaded models; blocks briefly."""
        ...

    def survey(self, setup: Setup) -> dict[str, Any]:
        """The memory that a model takes, and the settings to give up for it; blocks for seconds.

        Raises:
            ModelError: Its file cannot be read.
        """
        ...

    def adapters(self, setup: Setup) -> tuple[AdapterSpec, ...]:
        """The adapters with which a model would be loaded; none if what is set for it is wrong. Blocks briefly."""
        ...

    def progress(self, setup: Setup) -> Progress:
        """How far a model is on its way, or what is built for it."""
        ...

    async def load(self, setup: Setup) -> EngineClient:
        """Load a model in a new engine.

        Raises:
            CoblynError: Its file is not a model, or it cannot be loaded.
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
