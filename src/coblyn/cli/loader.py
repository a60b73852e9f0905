"""Loading further models while a server runs, each with the settings of the server in an engine of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from coblyn.engine.client import ProcessEngine
from coblyn.engine.exchange import fits_beside
from coblyn.engine.fleet import Fleet
from coblyn.engine.interface import EngineClient
from coblyn.models.check import check_model

__all__ = ["FleetLoader"]


class FleetLoader:
    """Loads files into engines of a fleet; see ``service.loader.Loader``.

    Args:
        fleet: Whose engines they are; what its first was started with holds for all.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._config = fleet.first.config

    def fits(self, path: Path) -> bool:
        """Whether main memory has room for it."""
        return fits_beside(replace(self._config, model=str(path)))

    async def load(self, path: Path) -> EngineClient:
        """An engine that has loaded a file."""
        header = await asyncio.to_thread(check_model, path)
        return await self._fleet.load(replace(self._config, model=str(header.path)))

    async def release(self, engine: EngineClient) -> None:
        """Close an engine that ``load`` gave."""
        assert isinstance(engine, ProcessEngine), "this loader gave it"
        await self._fleet.release(engine)

    async def sleep(self) -> None:
        """Unload the model that the server began with."""
        await self._fleet.first.unload()

    async def wake(self) -> None:
        """Load it again."""
        await self._fleet.first.replace(self._fleet.first.config)
