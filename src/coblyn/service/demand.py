"""Models loaded on demand when a request names them, and unloaded when idle or when memory is needed.

Each runs in a separate engine, so loading one model never ends requests of another. The model that the server started
with stays loaded, or sleeps if the user wants that; models loaded on demand are closed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coblyn.errors import Busy, CoblynError
from coblyn.models.adapter import AdapterSpec
from coblyn.models.names import setup_of
from coblyn.models.setup import Setup
from coblyn.progress import Progress
from coblyn.service.adapters import SEPARATOR
from coblyn.service.loader import Loader
from coblyn.service.models import LoadedModel, Models

__all__ = ["FOR_EVER", "Demand"]

log = logging.getLogger(__name__)

FOR_EVER = math.inf

_LOOK_SECONDS = 1.0
"""Seconds between checks for idle models."""


class Demand:
    """Loads and unloads models.

    Args:
        models: The loaded models; this class adds and removes some.
        loader: Loads models.
        keep_seconds: Default time for which an idle model loaded on demand is kept.
        sleep_seconds: The same for the model that the server started with; 0 keeps it forever.
        clock: Gives monotonic seconds.
    """

    def __init__(
        self,
        models: Models,
        loader: Loader,
        *,
        keep_seconds: float = 300.0,
        sleep_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models
        self._loader = loader
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._coming: dict[Setup, asyncio.Task[LoadedModel]] = {}
        self._changing = asyncio.Lock()
        models.default.keep_seconds = sleep_seconds or FOR_EVER

    async def ready(self, name: str) -> LoadedModel | None:
        """The model of that name, loaded now if necessary; None if no file here has that name.

        Raises:
            Busy: Memory has no room for it beside models that are in use.
            CoblynError: It cannot be loaded.
        """
        model, setup = await self.look(name)
        if setup is None:
            return model
        sleeper = self._models.serving(setup)
        if sleeper is None:
            return await self._come(setup)
        await self._wake(sleeper)
        return model

    async def knows(self, name: str) -> bool:
        """Whether the name, without adapters after it, is that of a file here."""
        return await asyncio.to_thread(_setup_meant, name) is not None

    async def look(self, name: str) -> tuple[LoadedModel | None, Setup | None]:
        """The model of that name if there is an engine for it, and what is loaded before it can answer.

        The name may end with adapters. One that no file here has means the first model, which may be asleep.
        """
        setup = self._declared(name)
        model = None if setup else self._models.named(name)
        if name and not (setup or model):
            meant = await asyncio.to_thread(_setup_meant, name)
            setup = self._models.setup_of(meant) if meant else None
        if setup is not None and (model := self._models.serving(setup)) is None:
            return None, setup
        wanted = model or self._models.default
        is_out = wanted.is_asleep or (model is not None and wanted.is_away)
        return model, wanted.setup if is_out else None

    def _declared(self, name: str) -> Setup | None:
        """What the declared model of that name, which may end with adapters, is loaded with."""
        declared = self._models.declared
        named = declared.named(name) or declared.named(name.partition(SEPARATOR)[0])
        return named.setup if named else None

    async def progress(self, name: str) -> Progress:
        """How far the model of that name is on its way."""
        _, setup = await self.look(name)
        return self._loader.progress(setup) if setup else Progress("Loading", 1, 1)

    def is_coming(self, setup: Setup) -> bool:
        """Whether a model is being loaded."""
        return setup in self._coming

    def survey(self, path: Path) -> dict[str, Any]:
        """The memory that the model in a file takes; see ``Loader.survey``."""
        return self._loader.survey(self._models.setup_of(Setup(path)))

    def adapters(self, setup: Setup) -> tuple[AdapterSpec, ...]:
        """The adapters with which a model would be loaded; see ``Loader.adapters``."""
        return self._loader.adapters(setup)

    async def close_idle(self) -> None:
        """Unload models that were idle for longer than they are kept."""
        for model in tuple(self._models):
            if self._is_over(model):
                await self._let_go(model)

    async def dismiss(self, model: LoadedModel) -> None:
        """Unload a model that was loaded on demand, now.

        Raises:
            Busy: It is in use.
        """
        async with self._changing:
            if model.num_users:
                raise Busy(
                    f"{model.name} is in use.", hint="Try again when its requests have ended."
                )
            if model in tuple(self._models) and model is not self._models.default:
                await self._unload(model)

    def seconds_left(self, model: LoadedModel) -> float:
        """Seconds until an idle model is unloaded; infinity for never."""
        if model.num_users:
            return model.keep_seconds
        return model.keep_seconds - (self._clock() - model.last_used)

    def keep(self, model: LoadedModel, seconds: float | None) -> bool:
        """Set how long a model is kept when idle.

        Args:
            model: The model.
            seconds: Infinity for forever; None for the default.

        Returns:
            Whether it was set; it cannot be set for the model that the server started with.
        """
        if model is self._models.default:
            return False
        model.keep_seconds = self._keep_seconds if seconds is None else seconds
        return True

    def _is_over(self, model: LoadedModel) -> bool:
        return _is_idle(model) and self.seconds_left(model) <= 0

    async def tend(self) -> None:
        """Unload idle models until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.close_idle()
            except CoblynError as error:
                log.warning("A model could not be unloaded: %s", error.message)

    async def _come(self, setup: Setup) -> LoadedModel:
        """Load a model once for all requests that wait for it; loading continues if one of them leaves."""
        task = self._coming.get(setup)
        if task is None:
            task = self._coming[setup] = asyncio.create_task(self._load(setup))
            task.add_done_callback(lambda done: self._has_come(setup, done))
        return await asyncio.shield(task)

    def _has_come(self, setup: Setup, task: asyncio.Task[LoadedModel]) -> None:
        del self._coming[setup]
        if not task.cancelled() and (error := task.exception()):
            log.info("%s could not be loaded: %s", setup.path.name, error)

    async def _load(self, setup: Setup) -> LoadedModel:
        async with self._changing:
            await self._make_room(setup)
            log.info("loading %s", setup.path.name)
            model = self._models.add(await self._loader.load(setup), setup)
            model.keep_seconds, model.last_used = self._keep_seconds, self._clock()
            return model

    async def _make_room(self, setup: Setup) -> None:
        """Unload idle models, longest idle first, until there is room."""
        while not await asyncio.to_thread(self._loader.fits, setup):
            idle = [each for each in self._models if _is_idle(each)]
            if not any(each.num_users for each in self._models) and not idle:
                return  # the estimate says no, but all that is left to try is loading it
            if not idle:
                raise Busy(
                    f"Memory has no room for {setup.path.stem} beside the models that are in use.",
                    hint="Try again when their requests have ended.",
                )
            await self._unload(min(idle, key=lambda each: each.last_used))

    async def _let_go(self, model: LoadedModel) -> None:
        async with self._changing:
            if model in self._models and self._is_over(model):
                await self._unload(model)

    async def _unload(self, model: LoadedModel) -> None:
        log.info("unloading %s", model.name)
        if model is self._models.default:
            model.is_asleep = True  # from here on, requests for it wait to wake it
            try:
                await self._loader.sleep()
            except CoblynError:
                model.is_asleep = False
                raise
        else:
            self._models.drop(model)
            await self._loader.release(model.engine)

    async def _wake(self, model: LoadedModel) -> None:
        async with self._changing:
            if model.is_asleep or model.is_away:
                await self._make_room(model.setup)
                await self._loader.wake()
                model.is_asleep, model.last_used = False, self._clock()


def _setup_meant(name: str) -> Setup | None:
    """What the model of that name, or of what stands before adapters in it, is loaded with."""
    base, plus, _ = name.partition(SEPARATOR)
    return setup_of(name) or (setup_of(base) if plus else None)


def _is_idle(model: LoadedModel) -> bool:
    """Whether it is in memory, and nobody uses it."""
    return not (model.num_users or model.is_asleep or model.is_away)
