"""What loads further models while a server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from coblyn.engine.interface import EngineClient
from coblyn.progress import Progress

__all__ = ["Loader"]


class Loader(Protocol):
    """Starts and ends engines. The engine that a server began with can be put to sleep, all others are closed."""

    def fits(self, path: Path) -> bool:
        """Whether memory has room for the model in a file besides what is there now; blocks for a moment."""
        ...

    def survey(self, path: Path) -> dict[str, Any]:
        """What memory the model in a file takes, and what would be given up for it; blocks for seconds.

        Raises:
            ModelError: The file cannot be read.
        """
        ...

    def progress(self, path: Path) -> Progress:
        """How far the model in a file is on its way, or what is built for it."""
        ...

    async def load(self, path: Path) -> EngineClient:
        """An engine that has loaded a file.

        Raises:
            CoblynError: The file is not a model, or it cannot be loaded.
        """
        ...

    async def release(self, engine: EngineClient) -> None:
        """Close an engine that ``load`` gave."""
        ...

    async def sleep(self) -> None:
        """Unload the model that the server began with; its requests end first."""
        ...

    async def wake(self) -> None:
        """Load it again.

        Raises:
            CoblynError: It cannot be loaded any longer.
        """
        ...
