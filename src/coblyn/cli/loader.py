"""Loads models while a server runs, with its settings.

Additional ones in separate engines, or one in place of the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from coblyn.cli.engine import NOTHING, Declared, with_own_settings
from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.engine.fleet import Fleet
from coblyn.engine.interface import EngineClient
from coblyn.errors import CoblynError, EngineError, ModelError
from coblyn.fit.fitting import has_room, survey
from coblyn.fit.promises import promised, taken
from coblyn.fit.words import report
from coblyn.models.adapter import AdapterSpec
from coblyn.models.check import check_model, examine_model, writes
from coblyn.models.gguf import read_header
from coblyn.models.overrides import corrected
from coblyn.progress import Progress, Report, silent

__all__ = ["Configurer", "FleetLoader", "FleetSwitch", "promised_by"]

Prepare = Callable[[EngineConfig, Report], EngineConfig]


def promised_by(fleet: Fleet) -> int:
    """Bytes of main memory that the engines of a fleet may still take."""
    return promised((engine.config, engine.pid) for engine in fleet.engines)


class Configurer:
    """Gives the configuration of each model: the server's settings, and those of the model alone. Any thread may call.

    Args:
        general: The server's settings, and the model that it began with.
        prepare: Gives a configuration what it needs to load a model, such as a built engine; takes what may be long.
        declared: Settings of another program's file by the real paths of models.
    """

    def __init__(
        self, general: EngineConfig, prepare: Prepare, declared: Declared = NOTHING
    ) -> None:
        self._declared = declared
        self._general = general
        self._prepare = prepare
        self._preparing = Lock()

    def config_for(self, path: Path, report: Report = silent) -> EngineConfig:
        """The configuration for a model's file.

        Raises:
            CoblynError: The file, or what is set for it, is wrong, or no engine can be built.
        """
        with self._preparing:
            self._general = self._prepare(self._general, report)
        return replace(self.settings_for(path), embeds=not writes(corrected(read_header(path))))

    def settings_for(self, path: Path) -> EngineConfig:
        """The same, without what takes long: it may name no engine.

        Raises:
            CoblynError: What is set for it is wrong.
        """
        general = self._general
        return with_own_settings(general.for_model(path), general, self._declared)


class FleetLoader:
    """Loads files into engines of a fleet; see ``service.loader.Loader``.

    Args:
        first: The engine that the server started with.
        configurer: Gives configurations.
    """

    def __init__(self, first: EngineExchange, configurer: Configurer) -> None:
        self._first = first
        self._fleet = first.fleet
        self._configurer = configurer
        self._prepared: Progress | None = None
        self._coming: dict[Path, ProcessEngine] = {}

    def fits(self, path: Path) -> bool:
        """Whether it fits in memory without giving anything up."""
        try:
            return has_room(self._config_for(path), promised_by(self._fleet), self._fleet.ending)
        except CoblynError:
            return True  # its loading will say what is wrong

    def survey(self, path: Path) -> dict[str, Any]:
        """What memory it takes, on all devices; what it has already, if it is loaded, counts as free."""
        promised = self._promised_beside(path)
        return report(survey(self._config_for(path), promised=promised, ended=self._fleet.ending))

    def adapters(self, path: Path) -> tuple[AdapterSpec, ...]:
        """The adapters with which it would be loaded; none if what is set for it is wrong."""
        try:
            config = self._configurer.settings_for(path)
        except CoblynError:
            return ()  # its loading will say what is wrong
        return tuple(map(AdapterSpec.of, (*config.adapters, *config.control_vectors)))

    def progress(self, path: Path) -> Progress:
        """How far it is on its way."""
        engine = self._coming.get(path)
        if engine is not None:
            loaded = engine.status().loaded
        elif str(path) == self._first.config.model:
            loaded = self._first.loaded
        else:
            return self._prepared or Progress("Loading", 0, None)
        return Progress("Loading", round(loaded * 1000), 1000, "parts")

    async def load(self, path: Path) -> EngineClient:
        """Load a file in a new engine."""
        header = await asyncio.to_thread(check_model, path)
        config = await asyncio.to_thread(self._config_for, header.path)
        engine = self._fleet.add(config)
        self._coming[path] = engine
        try:
            await self._fleet.start(engine)
        except (EngineError, ModelError):
            await asyncio.to_thread(examine_model, header.path)
            raise
        finally:
            del self._coming[path]
        return engine

    async def release(self, engine: EngineClient) -> None:
        """Close an engine that ``load`` gave."""
        assert isinstance(engine, ProcessEngine), "this loader gave it"
        await self._fleet.release(engine)

    async def sleep(self) -> None:
        """Unload the model that the server started with."""
        await self._first.unload()

    async def wake(self) -> None:
        """Load it again."""
        await self._first.replace(self._first.config)

    def _config_for(self, path: Path) -> EngineConfig:
        try:
            return self._configurer.config_for(path, self._note)
        finally:
            self._prepared = None

    def _note(self, progress: Progress) -> None:
        self._prepared = progress

    def _promised_beside(self, path: Path) -> int:
        """Bytes of main memory that others will take, less those that the engine of a file would set free."""
        own = [each for each in self._fleet.engines if each.config.model == str(path)]
        others = [each for each in self._fleet.engines if each not in own]
        return promised((each.config, each.pid) for each in others) - taken(
            each.pid for each in own
        )


class FleetSwitch:
    """Replaces the engine that a server started with; see ``service.switch.Switch``.

    Args:
        engine: What is exchanged.
        configurer: Gives configurations.
    """

    def __init__(self, engine: EngineExchange, configurer: Configurer) -> None:
        self._engine = engine
        self._configurer = configurer

    @property
    def loaded(self) -> float:
        """Loaded fraction of the model being loaded."""
        return self._engine.loaded

    async def load(self, path: Path, report: Report) -> None:
        """Load a file in place of the default model."""
        header = await asyncio.to_thread(check_model, path)
        config = await asyncio.to_thread(self._configurer.config_for, header.path, report)
        try:
            await self._engine.replace(config)
        except (EngineError, ModelError):
            await asyncio.to_thread(examine_model, header.path)
            raise

    async def unload(self) -> None:
        """Unload the default model."""
        await self._engine.unload()
