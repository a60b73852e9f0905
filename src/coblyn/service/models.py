"""The loaded models of a server, and the number of their users."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.engine.interface import EngineClient, ModelInfo
from coblyn.errors import BadRequest, NotFound, SettingsError
from coblyn.models.declared import DeclaredModels
from coblyn.models.names import LATEST, names_of, plain
from coblyn.models.setup import Setup
from coblyn.service.adapters import SEPARATOR, ModelAdapters
from coblyn.service.command import GenerateCommand
from coblyn.service.media import MediaLoader
from coblyn.service.prompt import Fitted, Prompts
from coblyn.service.tokens import Tokens

if TYPE_CHECKING:
    from coblyn.service.demand import Demand

__all__ = ["LoadedModel", "ModelEntry", "Models", "UnknownModel", "without_prefix"]

_PREFIX = "koboldcpp/"
"""Prefix of names in KoboldAI's API."""


def without_prefix(name: str) -> str:
    """A model's name without what KoboldAI's API puts before it."""
    return name.removeprefix(_PREFIX)


class UnknownModel(BadRequest):
    """A request names a model that the server does not have."""

    code = "unknown_model"
    status = 404


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model as listed by APIs.

    Attributes:
        id: Its name.
        created: Time of loading, in seconds since 1970.
        info: Facts about it.
    """

    id: str
    created: int
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Named:
    """What an engine is loaded with, and the name of that.

    Attributes:
        setup: What it is loaded with.
        name: Its name; empty for that of its file.
    """

    setup: Setup
    name: str = ""


class LoadedModel:
    """A model in its engine, and the services that use its vocabulary.

    Args:
        engine: Its engine; the creator closes it.
        media: Sends images and sounds to the engine.
        chosen: What its engine was loaded with; None for a file that nobody chose here.

    Attributes:
        chosen: The same, for its last load.
        initial: What the server began with, if that was declared.
        prompts: Encodes prompts.
        tokens: Its vocabulary.
        adapters: Adapters that requests may use.
        num_users: Number of active generations and queries.
        last_used: Time at which the last of them ended, in monotonic seconds.
        keep_seconds: Seconds for which it is kept when idle; infinity for forever.
        is_asleep: Whether it is unloaded until the next request.
    """

    def __init__(
        self,
        engine: EngineClient,
        media: MediaLoader | None = None,
        chosen: Named | None = None,
    ) -> None:
        self.engine = engine
        self.initial: Named | None = None
        self.chosen = chosen
        self._awaited: list[Named | None] = []
        self._read = engine.info.path
        self._alone = Setup(Path(self._read))
        self.prompts = Prompts(engine, media)
        self.tokens = Tokens(engine, self.prompts)
        self.adapters = ModelAdapters(engine)
        self.num_users = 0
        self.last_used = time.monotonic()
        self.keep_seconds = math.inf
        self.is_asleep = False
        self._created = int(time.time())

    @property
    def name(self) -> str:
        """Its name."""
        info = self.engine.info
        return self._told(info.path, (self.chosen,)).name or info.name

    @property
    def coming(self) -> str:
        """Name of the model that is loaded into its engine, if requests wait for it; else empty."""
        file = self.engine.status().coming
        known = self._awaited if None in self._awaited else (*self._awaited, self.chosen)
        return file and (self._told(file, known).name or Path(file).stem)

    @property
    def awaited_name(self) -> str:
        """Name of the model that new requests get: its own, or that of the one that is coming."""
        return self.coming or self.name

    @property
    def setup(self) -> Setup:
        """What its engine was loaded with."""
        return self._told(self.engine.info.path, (self.chosen,)).setup

    @contextmanager
    def awaiting(self, chosen: Named | None) -> Iterator[None]:
        """Its engine gets another model within the block, and keeps the one that it has if that fails."""
        self._awaited.append(chosen)
        try:
            yield
            self.chosen = chosen
        finally:
            self._awaited.remove(chosen)

    def _told(self, file: str, known: Iterable[Named | None]) -> Named:
        """A file as it is known: as one of those, as the server began with it, or alone."""
        if self._read != file:
            self._read, self._alone = file, Setup(Path(file))
        real = self._alone.real
        found = next((each for each in known if each and each.setup.real == real), None)
        if found is None and self.initial and self.initial.setup == self._alone:
            return self.initial
        return found or Named(self._alone)

    def serves(self, setup: Setup) -> bool:
        """Whether it is that model, with at least the context that it is wanted for."""
        own = self.setup
        if own == setup:
            return bool(self.engine.info.path)
        is_same = (own.real, own.settings) == (setup.real, setup.settings)
        return is_same and 0 < setup.least_context <= self.engine.info.context

    @property
    def is_away(self) -> bool:
        """It was not chosen yet, or is unloaded until someone asks for it by its name."""
        return not self.is_asleep and self.engine.status().state == "unloaded"

    @property
    def entry(self) -> ModelEntry:
        """It as listed by APIs."""
        return self.entry_with("")

    def entry_with(self, suffix: str) -> ModelEntry:
        """It as listed by APIs, with the adapters of a suffix of its name."""
        name = self.name + suffix
        return ModelEntry(name, self._created, replace(self.engine.info, name=name))

    def suffix_of(self, name: str) -> str | None:
        """The suffix after its name: empty, or names of its adapters; None if another model is meant."""
        wanted = without_prefix(name)
        if wanted == self.name:
            return ""
        if not wanted.startswith(self.name + SEPARATOR):
            return None
        suffix = wanted.removesuffix(LATEST).removeprefix(self.name)
        return None if self.adapters.named(suffix) is None else suffix

    def suffix_asked(self, name: str) -> str:
        """The adapters in a name that means this model, even by an alias of its file.

        Raises:
            UnknownModel: It does not have one of them.
        """
        suffix = self.suffix_of(name)
        if suffix is None:
            _, plus, rest = name.removesuffix(LATEST).partition(SEPARATOR)
            suffix = plus + rest if plain(name) != plain(self.name) else ""
        if self.adapters.named(suffix) is None:
            raise self.without_adapter(name)
        return suffix

    def without_adapter(self, name: str) -> UnknownModel:
        """The error for a name of this model with adapters that it does not have."""
        names = ", ".join(info.name for info in self.adapters.infos) or "none"
        return UnknownModel(
            f"There is no model {name!r} here.",
            field="model",
            hint=f"{self.name} has these adapters: {names}.",
        )

    async def fit(self, command: GenerateCommand) -> Fitted:
        """Prepare a command's prompt for the adapters that it uses; see ``Prompts.fit``."""
        if not self.name or self.coming:
            # Refused while there is no model; waits for one that is coming, since the prompt has that one's format.
            await self.engine.detokenize((), special=False)
        of_name = self.adapters.named(self.suffix_of(command.model) or "") or ()
        chosen = await self.adapters.chosen(of_name, command.adapters)
        return await self.prompts.fit(command, chosen)


class Models:
    """All loaded models, by name.

    Args:
        engines: One engine per model; at least one.
        is_strict: Whether to refuse unknown names even if there is only one model; None for where names are Ollama's.
        media: Sends images and sounds to the engines.
        declared: Models that a settings file declares.

    Attributes:
        declared: The same.
        demand: Loads more models on demand; None if that is off.

    Raises:
        SettingsError: Two have the same name.
    """

    def __init__(
        self,
        engines: Sequence[EngineClient],
        *,
        is_strict: bool | None = None,
        media: MediaLoader | None = None,
        declared: DeclaredModels | None = None,
    ) -> None:
        self._media = media
        self.declared = declared or DeclaredModels()
        self._models = [LoadedModel(engine, media) for engine in engines]
        if first := self.declared.first:
            self.default.initial = self.default.chosen = self._chosen_as(first.setup, first.name)
        self._is_strict = is_strict
        self._is_alone = len(self._models) == 1
        self.demand: Demand | None = None
        names = [model.name for model in self._models]
        if len(names) != len(set(names)):
            raise SettingsError(f"Two models have the same name: {', '.join(sorted(names))}.")

    @property
    def default(self) -> LoadedModel:
        """The model that the server began with, or that was chosen since."""
        return self._models[0]

    @property
    def current(self) -> LoadedModel:
        """The model of requests that name none: the first, or the one that was used last while the first is away."""
        others = self._models[1:]
        if others and self.default.is_away:
            return max(others, key=lambda model: model.last_used)
        return self.default

    @property
    def needs_known(self) -> bool:
        """Whether a name that is looked up as Ollama does it must be that of a model here."""
        return self._is_strict is not False

    def __iter__(self) -> Iterator[LoadedModel]:
        return iter(self._models)

    def all(self) -> list[ModelEntry]:
        """Every model, and each model with each of its adapters; none while no model is loaded."""
        return [
            model.entry_with(suffix)
            for model in self._models
            if model.name
            for suffix in ("", *(SEPARATOR + info.name for info in model.adapters.infos))
        ]

    def missing(self, name: str) -> NotFound:
        """The error for a query about a model that is not here."""
        return NotFound(f"There is no model {name!r} here.", hint=self._hint)

    def find(self, name: str) -> LoadedModel:
        """The model that a request means.

        An unknown name means the only model, unless names are strict, since clients send the name they were written
        for, such as "gpt-3.5-turbo".

        Raises:
            UnknownModel: There is no such model.
        """
        if model := self.named(name):
            return model
        self._require_no_other_adapter(name)
        if not name or (self._is_alone and not self._is_strict):
            return self.current
        raise UnknownModel(f"There is no model {name!r} here.", field="model", hint=self._hint)

    async def ready(self, name: str = "") -> LoadedModel:
        """The model that a request means, loaded now if necessary.

        Raises:
            UnknownModel: There is no such model.
            CoblynError: It cannot be loaded.
        """
        found = await self.demand.ready(name) if self.demand else None
        return found or self.find(name)

    @asynccontextmanager
    async def acquire(self, name: str = "") -> AsyncIterator[LoadedModel]:
        """The model that a request means, counted as in use within the block.

        Raises:
            UnknownModel: There is no such model.
            CoblynError: It cannot be loaded.
        """
        model = await self.ready(name)
        model.num_users += 1
        try:
            yield model
        finally:
            model.num_users -= 1
            model.last_used = time.monotonic()

    def add(self, engine: EngineClient, setup: Setup) -> LoadedModel:
        """Add a model, in an engine that has loaded it. Its name is its file's, or a longer or a declared one."""
        taken = {model.name for model in self._models}
        chosen = Named(setup, self._name_for(setup, taken))
        model = LoadedModel(engine, self._media, chosen)
        self._models.append(model)
        return model

    def replacing_default(self, setup: Setup, name: str = "") -> AbstractContextManager[None]:
        """The first engine gets another model within the block: see ``LoadedModel.awaiting``.

        Args:
            setup: What it is loaded with.
            name: The declared name by which it was chosen, or empty.
        """
        return self.default.awaiting(self._chosen_as(setup, name))

    def _chosen_as(self, setup: Setup, name: str) -> Named:
        taken = {model.name for model in self._models[1:]}
        found = name if name not in taken else ""
        return Named(setup, found or self._name_for(setup, taken))

    def _name_for(self, setup: Setup, taken: Collection[str]) -> str:
        """A name that no other model has, and that means no other one; empty for its file's own."""
        path, alone = setup.path, setup.path.stem
        declared = self.declared.of_setup(setup)
        own = (declared.name,) if declared else ()
        names = (alone, *own, *names_of(path), f"{path.parent.name}/{path.stem}", str(path))
        if setup.least_context:  # its file's names mean the file with the server's context
            names = tuple(f"{name}-{setup.least_context}" for name in names)
        name = next((n for n in names if n not in taken and self._is_for(n, setup)), "")
        return "" if name == alone else name

    def _is_for(self, name: str, setup: Setup) -> bool:
        declared = self.declared.named(name)
        return declared is None or declared.setup == setup

    def serving(self, setup: Setup) -> LoadedModel | None:
        """The model that was loaded with that, or None."""
        return next((model for model in self._models if model.serves(setup)), None)

    def setup_of(self, setup: Setup) -> Setup:
        """What a file without settings is loaded with: as a loaded model has it, or as it is first declared."""
        same = (each.setup for each in self._models if each.setup.real == setup.real)
        declared = self.declared.of_file(setup)
        found = next(same, None) or (declared.setup if declared else setup)
        return replace(found, least_context=setup.least_context)

    def drop(self, model: LoadedModel) -> None:
        """Remove a model that was added; the caller closes its engine."""
        self._models.remove(model)

    def named(self, name: str) -> LoadedModel | None:
        """The loaded model of a name, which may end with adapters; or None."""
        there = (model for model in self._models if model.name)
        return next((model for model in there if model.suffix_of(name) is not None), None)

    def shown(self, name: str) -> ModelInfo:
        """Facts about the model that a request means, under the name that answers carry.

        Raises:
            UnknownModel: There is no such model.
        """
        model = self.find(name)
        return model.entry_with(model.suffix_of(name) or "").info

    def require_plain(self, name: str) -> None:
        """Refuse a name with adapters where adapters have no effect.

        Raises:
            BadRequest: The name has adapters.
        """
        model = self.named(name)
        if model and model.suffix_of(name):
            raise BadRequest(
                "Vectors and ratings are made without adapters.",
                field="model",
                hint=f"Ask for the model {model.name}.",
            )

    def _require_no_other_adapter(self, name: str) -> None:
        """Refuse a loaded model's name with unknown adapters, instead of using the model without them."""
        wanted = without_prefix(name)
        for model in self._models:
            if model.name and wanted.startswith(model.name + SEPARATOR):
                raise model.without_adapter(name)

    @property
    def _hint(self) -> str:
        names = ", ".join(model.name for model in self._models if model.name)
        return f"This server has {names}." if names else "No model is loaded."
