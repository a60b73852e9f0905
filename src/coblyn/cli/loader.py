"""Loading models while a server runs, with its settings: further ones in their own engines, or one for the first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.engine.fleet import Fleet
from coblyn.engine.interface import EngineClient
from coblyn.errors import EngineError, ModelError
from coblyn.fit.fitting import has_room, survey
from coblyn.fit.promises import promised
from coblyn.fit.words import report
from coblyn.models.check import check_model, examine_model, writes
from coblyn.progress import Report

__all__ = ["FleetLoader", "FleetSwitch", "promised_by"]


def promised_by(fleet: Fleet) -> int:
    """Bytes of main memory that the engines of a fleet may still take."""
    return promised((engine.config, engine.pid) for engine in fleet.engines)


class FleetLoader:
    """Loads files into engines of a fleet; see ``service.loader.Loader``.

    Args:
        first: The engine that the server began with; its settings hold for all of its fleet.
    """

    def __init__(self, first: EngineExchange) -> None:
        self._first = first
        self._fleet = first.fleet
        self._config = first.config

    def fits(self, path: Path) -> bool:
        """Whether memory has room for it with all that is wished."""
        return has_room(self._config.for_model(path), promised_by(self._fleet))

    def survey(self, path: Path) -> dict[str, Any]:
        """What memory it takes, on all devices."""
        return report(survey(self._config.for_model(path), promised=promised_by(self._fleet)))

    async def load(self, path: Path) -> EngineClient:
        """An engine that has loaded a file."""
        header = await asyncio.to_thread(check_model, path)
        return await self._fleet.load(self._config.for_model(header.path))

    async def release(self, engine: EngineClient) -> None:
        """Close an engine that ``load`` gave."""
        assert isinstance(engine, ProcessEngine), "this loader gave it"
        await self._fleet.release(engine)

    async def sleep(self) -> None:
        """Unload the model that the server began with."""
        await self._first.unload()

    async def wake(self) -> None:
        """Load it again."""
        await self._first.replace(self._first.config)


class FleetSwitch:
    """Exchanges the engine that a server began with; see ``service.switch.Switch``.

    Args:
        engine: What is exchanged.
        prepare: Gives a configuration what it needs to load a model, such as a built engine; takes what may be long.
    """

    def __init__(
        self, engine: EngineExchange, prepare: Callable[[EngineConfig, Report], EngineConfig]
    ) -> None:
        self._engine = engine
        self._first = engine.config  # its adapters are for its model
        self._prepare = prepare

    @property
    def loaded(self) -> float:
        """Fraction of the model that is on its way."""
        return self._engine.loaded

    async def load(self, path: Path, report: Report) -> None:
        """Load a file in place of the model that answers."""
        header = await asyncio.to_thread(check_model, path)
        ready = await asyncio.to_thread(self._prepare, self._engine.config, report)
        config = replace(ready.for_model(header.path), embeds=not writes(header))
        if config.model == self._first.model:
            first = self._first
            config = replace(config, adapters=first.adapters, control_vectors=first.control_vectors)
        try:
            await self._engine.replace(config)
        except (EngineError, ModelError):
            await asyncio.to_thread(examine_model, header.path)
            raise

    async def unload(self) -> None:
        """Unload the model that answers."""
        await self._engine.unload()
