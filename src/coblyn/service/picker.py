"""Chooses the model that answers by default: lists the choices, and tracks the one being loaded."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from coblyn.errors import Busy, Cancelled, CoblynError, ModelError, NotFound
from coblyn.models.catalogue import lookup
from coblyn.models.check import check_model
from coblyn.progress import Progress
from coblyn.service.inventory import Inventory, Item
from coblyn.service.models import LoadedModel, Models
from coblyn.service.switch import Switch
from coblyn.service.work import Work

__all__ = ["Choice", "Picker"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model to choose.

    Attributes:
        item: The model.
        state: State of its engine, as in ``/health``; ``here`` if it has none, ``loading`` while one is
            being loaded.
        answers: Whether requests that name no model use it.
        trouble: Why it cannot be loaded, or empty.
    """

    item: Item
    state: str
    answers: bool
    trouble: str


class Picker:
    """Chooses the model that answers. One change at a time. Use it on one event loop.

    Args:
        models: The loaded models.
        inventory: The available models.
        switch: Loads models; None if models cannot be changed at run time.
    """

    def __init__(self, models: Models, inventory: Inventory, switch: Switch | None) -> None:
        self._models = models
        self._inventory = inventory
        self._switch = switch
        self._task: asyncio.Task[None] | None = None
        self.work: Work | None = None

    @property
    def can_load(self) -> bool:
        """Whether another model can be chosen."""
        return self._switch is not None

    @property
    def loaded(self) -> float:
        """Loaded fraction, 0 to 1, of the model being loaded."""
        return self._switch.loaded if self._switch else 1.0

    @property
    def coming(self) -> str:
        """Name of the model being loaded; empty while one is still fetched or built for."""
        work = self.work
        return work.name if work and work.kind == "load" and not work.is_over else ""

    def choices(self) -> list[Choice]:
        """All models with files, and declared ones, loaded ones first. Reads headers, so call it on a thread."""
        items = (item for item in self._inventory.all() if item.path and item.can_be_default)
        return [self._choice(item) for item in items]

    def load(self, name: str) -> Work:
        """Begin to load an available model; ``work`` has the progress.

        Raises:
            NotFound: There is none of that name, or models cannot be changed at run time.
            Busy: Another change is under way.
        """
        switch = self._ready()
        work = Work(name)
        return self._begin(work, self._load(work, switch))

    def fetch(self, reference: str) -> Work:
        """Begin to download a model of the catalogue and to load it.

        Raises:
            NotFound: The catalogue does not have it, or models cannot be changed at run time.
            Busy: Another change is under way.
        """
        switch, entry = self._ready(), lookup(reference)
        if entry is None:
            raise NotFound(f"The catalogue has no model {reference!r}.")
        work = Work(entry.name, "fetch")
        return self._begin(work, self._fetch(work, entry.alias, switch))

    async def unload(self, name: str) -> None:
        """Unload a model; its requests end first.

        Raises:
            NotFound: It is not loaded, or models cannot be changed at run time.
            Busy: It is in use, or another change is under way.
        """
        switch, model = self._ready(), self._models.named(name)
        if model is None:
            raise NotFound(f"The model {name!r} is not loaded.")
        if model is self._models.default:
            await switch.unload()
        elif self._models.demand:
            await self._models.demand.dismiss(model)

    def stop(self) -> None:
        """Stop a download, and clear a failure. A load continues."""
        if self.work and self.work.is_over:
            self.work = None
        elif self.work and self.work.kind != "load":
            self.work.is_unwanted = True

    async def close(self) -> None:
        """Stop the current work and wait for its end."""
        if self.work:
            self.work.is_unwanted = True
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _ready(self) -> Switch:
        if self._switch is None:
            raise NotFound("This server changes no models at run time.")
        if self.work and not self.work.is_over:
            raise Busy(
                f"{self.work.name} is on its way.", hint="Try again when that is done, or stop it."
            )
        return self._switch

    def _begin(self, work: Work, doing: Coroutine[Any, Any, None]) -> Work:
        self.work = work
        self._task = asyncio.create_task(self._watch(work, doing), name="coblyn-picker")
        return work

    async def _watch(self, work: Work, doing: Coroutine[Any, Any, None]) -> None:
        """Await the work independently of the page that started it; the result is kept for later."""
        try:
            await doing
        except Cancelled:
            self.work = None
        except CoblynError as error:
            log.warning("%s was not loaded: %s", work.name, error)
            work.failure = error
        finally:
            work.is_over = True
        if work.failure is None:
            self.work = None

    async def _fetch(self, work: Work, alias: str, switch: Switch) -> None:
        await asyncio.to_thread(self._inventory.pull, alias, work.report)
        await self._load(work, switch)

    async def _load(self, work: Work, switch: Switch) -> None:
        item = await asyncio.to_thread(self._inventory.find, work.name)
        if item.model and item.model is not self._models.default and self._models.demand:
            await self._models.demand.dismiss(item.model)
        work.name, work.kind, work.progress = item.file_name, "load", None
        setup = self._inventory.setup_of(item)
        with self._models.replacing_default(setup, item.file_name if item.setup else ""):
            await switch.load(setup, partial(_build, work))
        work.kind = "load"
        self._models.default.is_asleep = False

    def _choice(self, item: Item) -> Choice:
        model = item.model
        answers = model is self._models.default and _state(model) != "unloaded"
        demand = self._models.demand
        is_coming = demand is not None and demand.is_coming(self._inventory.setup_of(item))
        state = _state(model) if model else "loading" if is_coming else "here"
        return Choice(item, state, answers, _trouble(item.path))


def _build(work: Work, progress: Progress) -> None:
    """Build the engine if necessary."""
    work.kind = "build"
    work.report(progress)


def _state(model: LoadedModel) -> str:
    """The state of its engine; ``sleeping`` if it is unloaded until the next request."""
    return "sleeping" if model.is_asleep else model.engine.status().state


def _trouble(path: str) -> str:
    """Why a file cannot be loaded, or empty; engines without files have no path."""
    try:
        state = Path(path).stat()
    except OSError:
        return ""
    return _checked(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=256)
def _checked(path: str, modified: int, size: int) -> str:  # noqa: ARG001 - what changes with the file
    try:
        check_model(Path(path))
    except ModelError as error:
        return str(error)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."
    return ""
