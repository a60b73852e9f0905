"""The models that this server has, and who uses them."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.engine.interface import EngineClient, ModelInfo
from coblyn.errors import BadRequest, NotFound, SettingsError
from coblyn.service.prompt import Prompts
from coblyn.service.tokens import Tokens

if TYPE_CHECKING:
    from coblyn.service.demand import Demand

__all__ = ["LoadedModel", "ModelEntry", "Models", "UnknownModel"]

_PREFIX = "koboldcpp/"
"""Stands before names in KoboldAI's API."""


class UnknownModel(BadRequest):
    """A request names a model that this server does not have."""

    code = "unknown_model"
    status = 404


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is told of a model.

    Attributes:
        id: Its name.
        created: When it was loaded, in seconds since 1970.
        info: Facts of it.
    """

    id: str
    created: int
    info: ModelInfo


class LoadedModel:
    """A model in an engine of its own, and what knows its vocabulary.

    Args:
        engine: What generates; its creator closes it.

    Attributes:
        prompts: What makes token ids of prompts.
        tokens: Its vocabulary.
        num_users: Generations and questions under way.
        last_used: When the last of them ended, in seconds that only grow.
        keep_seconds: How long it stays unused; infinite for ever.
        is_asleep: It is unloaded until somebody wants it.
    """

    def __init__(self, engine: EngineClient) -> None:
        self.engine = engine
        self.prompts = Prompts(engine)
        self.tokens = Tokens(engine, self.prompts)
        self.num_users = 0
        self.last_used = time.monotonic()
        self.keep_seconds = math.inf
        self.is_asleep = False
        self._created = int(time.time())

    @property
    def name(self) -> str:
        """Its name."""
        return self.engine.info.name

    @property
    def entry(self) -> ModelEntry:
        """What is told of it."""
        return ModelEntry(self.name, self._created, self.engine.info)


class Models:
    """All models that are loaded, by name.

    Args:
        engines: An engine for each; at least one.
        is_strict: Refuse other names even where there is one model only.

    Attributes:
        demand: What loads further models when they are named; None where nothing does.

    Raises:
        SettingsError: Two have the same name.
    """

    def __init__(self, engines: Sequence[EngineClient], *, is_strict: bool = False) -> None:
        self._models = [LoadedModel(engine) for engine in engines]
        self._is_strict = is_strict
        self._is_alone = len(self._models) == 1
        self.demand: Demand | None = None
        names = [model.name for model in self._models]
        if len(names) != len(set(names)):
            raise SettingsError(f"Two models have the same name: {', '.join(sorted(names))}.")

    @property
    def default(self) -> LoadedModel:
        """The model of requests that name none."""
        return self._models[0]

    def __iter__(self) -> Iterator[LoadedModel]:
        return iter(self._models)

    def all(self) -> list[ModelEntry]:
        """Every model; none where the engine is there and has none yet."""
        return [model.entry for model in self._models if model.name]

    def get(self, name: str) -> ModelEntry:
        """The model of that name, for those who ask about it.

        Raises:
            NotFound: There is none.
        """
        if model := self.named(name):
            return model.entry
        raise NotFound(f"There is no model {name!r} here.", hint=self._hint)

    def find(self, name: str) -> LoadedModel:
        """The model that a request means.

        A name that no model has means the only one, unless names are taken strictly: clients send what they were
        written for, such as "gpt-3.5-turbo".

        Raises:
            UnknownModel: It means none.
        """
        if model := self.named(name):
            return model
        if not name or (self._is_alone and not self._is_strict):
            return self.default
        raise UnknownModel(f"There is no model {name!r} here.", field="model", hint=self._hint)

    async def ready(self, name: str = "") -> LoadedModel:
        """The model that a request means, loaded now if it is here and is not.

        Raises:
            UnknownModel: It means none.
            CoblynError: It cannot be loaded.
        """
        found = await self.demand.ready(name) if self.demand else None
        return found or self.find(name)

    @asynccontextmanager
    async def acquire(self, name: str = "") -> AsyncIterator[LoadedModel]:
        """The model that a request means, which counts as used inside of the block.

        Raises:
            UnknownModel: It means none.
            CoblynError: It cannot be loaded.
        """
        model = await self.ready(name)
        model.num_users += 1
        try:
            yield model
        finally:
            model.num_users -= 1
            model.last_used = time.monotonic()

    def add(self, engine: EngineClient) -> LoadedModel:
        """A further model, in an engine that has loaded it."""
        model = LoadedModel(engine)
        self._models.append(model)
        return model

    def drop(self, model: LoadedModel) -> None:
        """Forget a model that was added; its engine is the caller's."""
        self._models.remove(model)

    def named(self, name: str) -> LoadedModel | None:
        """The loaded model of a name, or None."""
        wanted = name.removeprefix(_PREFIX)
        return next((model for model in self._models if wanted == model.name), None)

    @property
    def _hint(self) -> str:
        return f"This server has {', '.join(model.name for model in self._models)}."
