"""Loads models while a server runs, with its settings.

Additional ones in separate engines, or one in place of the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any

from coblyn.cli.engine import with_own_settings
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
from coblyn.models.setup import Setup
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
    """

    def __init__(self, general: EngineConfig, prepare: Prepare) -> None:
        self._general = general
        self._prepare = prepare
        self._preparing = Lock()

    def config_for(self, setup: Setup, report: Report = silent) -> EngineConfig:
        """The configuration for a model.

        Raises:
            CoblynError: Its file, or what is set for it, is wrong, or no engine can be built.
        """
        with self._preparing:
            self._general = self._prepare(self._general, report)
        header = corrected(read_header(setup.path))
        return replace(self.settings_for(setup), embeds=not writes(header))

    def settings_for(self, setup: Setup) -> EngineConfig:
        """The same, without what takes long: it may name no engine.

        Raises:
            CoblynError: What is set for it is wrong.
        """
        general = self._general
        return with_own_settings(general.for_model(setup.path), general, setup.own)


class FleetLoader:
    """Loads models into engines of a fleet; see ``service.loader.Loader``.

    Args:
        first: The engine that the server started with.
        configurer: Gives configurations.
    """

    def __init__(self, first: EngineExchange, configurer: Configurer) -> None:
        self._first = first
        self._fleet = first.fleet
        self._configurer = configurer
        self._prepared: Progress | None = None
        self._coming: dict[Setup, ProcessEngine] = {}

    def fits(self, setup: Setup) -> bool:
        """Whether it fits in memory without giving anything up."""
        try:
            return has_room(self._config_for(setup), promised_by(self._fleet), self._fleet.ending)
        except CoblynError:
            return True  # its loading will say what is wrong

    def survey(self, setup: Setup) -> dict[str, Any]:
        """What memory it takes, on all devices; what it has already, if it is loaded, counts as free."""
        promised = self._promised_beside(setup)
        return report(survey(self._config_for(setup), promised=promised, ended=self._fleet.ending))

    def adapters(self, setup: Setup) -> tuple[AdapterSpec, ...]:
        """The adapters with which it would be loaded; none if what is set for it is wrong."""
        try:
            config = self._configurer.settings_for(setup)
        except CoblynError:
            return ()  # its loading will say what is wrong
        return tuple(map(AdapterSpec.of, (*config.adapters, *config.control_vectors)))

    def progress(self, setup: Setup) -> Progress:
        """How far it is on its way."""
        engine = self._coming.get(setup)
        if engine is not None:
            loaded = engine.status().loaded
        elif str(setup.path) == self._first.config.model:
            loaded = self._first.loaded
        else:
            return self._prepared or Progress("Loading", 0, None)
        return Progress("Loading", round(loaded * 1000), 1000, "parts")

    async def load(self, setup: Setup) -> EngineClient:
        """Load a model in a new engine."""
        header = await asyncio.to_thread(check_model, setup.path)
        whole = replace(setup, path=header.path)
        engine = self._fleet.add(await asyncio.to_thread(self._config_for, whole))
        self._coming[setup] = engine
        try:
            await self._fleet.start(engine)
        except (EngineError, ModelError):
            await asyncio.to_thread(examine_model, header.path)
            raise
        finally:
            del self._coming[setup]
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

    def _config_for(self, setup: Setup) -> EngineConfig:
        try:
            return self._configurer.config_for(setup, self._note)
        finally:
            self._prepared = None

    def _note(self, progress: Progress) -> None:
        self._prepared = progress

    def _promised_beside(self, setup: Setup) -> int:
        """Bytes of main memory that others will take, less those that the engines of its file would set free."""
        own = [each for each in self._fleet.engines if each.config.model == str(setup.path)]
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

    async def load(self, setup: Setup, report: Report) -> None:
        """Load a model in place of the default one."""
        header = await asyncio.to_thread(check_model, setup.path)
        whole = replace(setup, path=header.path)
        config = await asyncio.to_thread(self._configurer.config_for, whole, report)
        try:
            await self._engine.replace(config)
        except (EngineError, ModelError):
            await asyncio.to_thread(examine_model, header.path)
            raise

    async def unload(self) -> None:
        """Unload the default model."""
        await self._engine.unload()
