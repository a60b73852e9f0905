"""The available models: loaded ones, files on disk, and models made from them by settings."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from coblyn.errors import BadRequest, ModelError, NotFound, SettingsError
from coblyn.files import real_path
from coblyn.models import created, store
from coblyn.models.adapter import AdapterSpec
from coblyn.models.catalogue import lookup
from coblyn.models.created import Created, Name
from coblyn.models.declared import Declared
from coblyn.models.gguf import GgufHeader, Value, read_header
from coblyn.models.make import make
from coblyn.models.modelfile import Modelfile
from coblyn.models.names import LATEST, plain
from coblyn.models.overrides import corrected
from coblyn.models.setup import Setup
from coblyn.progress import Report
from coblyn.service.adapters import SEPARATOR
from coblyn.service.models import LoadedModel, ModelEntry, Models, without_prefix

__all__ = ["Facts", "Inventory", "Item"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts from a model's file.

    Attributes:
        architecture: Such as ``llama``.
        num_parameters: Number of weights.
        quantization: Such as ``Q4_K_M``; may be empty.
        metadata: Scalar metadata of the file, by key.
    """

    architecture: str = ""
    num_parameters: int = 0
    quantization: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Item:
    """One available model.

    Attributes:
        name: Its name, with its tag.
        path: Its file; for a model made from another, that model's file.
        size: Size of the file in bytes; 0 if there is none.
        modified: Time at which it was added or made.
        modelfile: Its settings.
        model: The loaded model that serves it; None if it is not loaded.
        is_made: Whether it is made from another model by settings.
        suffix: Names of adapters after the model's name.
        setup: What a declared model is loaded with; None for what a file without settings is.
    """

    name: str
    path: str
    size: int
    modified: datetime
    modelfile: Modelfile
    model: LoadedModel | None = None
    is_made: bool = False
    suffix: str = ""
    setup: Setup | None = None

    @property
    def can_be_default(self) -> bool:
        """Whether it can answer requests that name no model: one made by settings has none but those of requests."""
        return not self.is_made or self.setup is not None

    @property
    def answers_as(self) -> str:
        """The name that requests use for the loaded model."""
        assert self.model, "it is loaded"
        return self.model.name + self.suffix

    @property
    def entry(self) -> ModelEntry | None:
        """The loaded model of that name, as APIs list it; None if it is not loaded, or has another name."""
        return self.model.entry_with(self.suffix) if self.model and not self.is_made else None

    @property
    def file_name(self) -> str:
        """The name of its file without suffix."""
        return self.name.removesuffix(LATEST)

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that change when the file or the settings change; not a hash of the file's content."""
        identity = (self.name, self.path, self.size, self.modified.timestamp(), self.modelfile)
        return hashlib.sha256(repr(identity).encode()).hexdigest()

    @property
    def facts(self) -> Facts:
        """Facts from its file, or from the engine if there is no file."""
        try:
            state = Path(self.path).stat()
            header = corrected(_header(self.path, state.st_mtime_ns, state.st_size))
        except (OSError, ModelError, SettingsError):
            info = self.model.engine.info if self.model else None
            return Facts(num_parameters=info.num_parameters) if info else Facts()
        return Facts(
            header.architecture, header.num_parameters, header.quantization, header.metadata
        )


class Inventory:
    """Lists, finds and changes models. Methods read or write files, so call those that are not coroutines on a thread.

    Args:
        models: The loaded models.
    """

    def __init__(self, models: Models) -> None:
        self._models = models

    def all(self) -> list[Item]:
        """All models: loaded ones first, then by age, newest first."""
        items = [
            *self._bases(),
            *self._adapted(),
            *self._could_be_adapted(),
            *map(self._made, created.installed()),
            *self._others_declared(),
        ]
        items.sort(key=lambda item: (item.model is None, -item.modified.timestamp()))
        return items

    def loaded(self) -> list[Item]:
        """The loaded models."""
        return [_of_loaded(model) for model in self._models if model.name]

    def waiting(self) -> list[Item]:
        """What is loaded on demand: files, with and without adapters, and declared models; none if that is off."""
        if self._models.demand is None:
            return []
        return [*self._unloaded(), *self._could_be_adapted(), *self._others_declared()]

    def find(self, name: str) -> Item:
        """The model of that name, ignoring case; the tag may be left out if it is ``latest``.

        Raises:
            NotFound: There is none.
            ModelBroken: Its file cannot be parsed.
        """
        name = without_prefix(name)
        if item := self._plain(name) or self._with_adapters(name):
            return item
        raise _not_found(name)

    def setup_of(self, item: Item) -> Setup:
        """What the model of an item with a file is loaded with."""
        return item.setup or self._models.setup_of(Setup(Path(item.path)))

    def served(self, name: str) -> Item:
        """The model that answers requests with that name: a loaded one, or one that is loaded on demand.

        Raises:
            NotFound: There is none.
            ModelBroken: Its file cannot be parsed.
        """
        try:
            item = self.find(name)
        except NotFound:
            raise self._models.missing(name) from None
        if item.model is None and self._models.demand is None:
            raise self._models.missing(name)
        return item

    def declared(self, name: str) -> Modelfile | None:
        """The settings of the declared model of that name, and without a name of the one that answers then."""
        found = (
            self._models.declared.named(name)
            if name
            else self._models.declared.of_setup(self._models.current.setup)
        )
        return found.modelfile if found else None

    def made(self, name: str) -> Modelfile | None:
        """The settings of the model of that name, if it is made by settings.

        Raises:
            ModelBroken: Its file cannot be parsed.
        """
        found = _created(name)
        return found.modelfile if found else None

    async def answering(self, name: str) -> Item:
        """The model that a request means, loaded now if necessary. Does not block the event loop.

        An unknown name is refused, unless the user wants the only model to answer to any.

        Raises:
            NotFound: There is none, or it is not loaded and nothing is loaded on demand.
            CoblynError: It cannot be loaded.
        """
        await self.require_known(name)
        model = await self._models.ready(name)
        try:
            item = await asyncio.to_thread(self.find, name)
        except NotFound:
            if not model.name:
                raise
            suffix = await self._suffix_asked(model, name)
            return _with_suffix(model, suffix) if suffix else _of_loaded(model)
        if item.model is None:
            loaded = ", ".join(model.name for model in self._models)
            raise NotFound(
                f"model {name!r} is here, but not loaded: {loaded} is.",
                hint=f"Serve it: coblyn serve {plain(item.name)}",
            )
        return item

    async def require_known(self, name: str) -> None:
        """Refuse an unknown name before anything is loaded for it, unless the user wants any to be answered.

        Raises:
            NotFound: There is no such model.
        """
        if name and self._models.needs_known and self._models.named(name) is None:
            try:
                await asyncio.to_thread(self.find, name)
            except NotFound:
                demand = self._models.demand
                if demand is None or not await demand.knows(name):
                    raise

    async def _suffix_asked(self, model: LoadedModel, name: str) -> str:
        """The adapters in a name that means a model by its file; none where an unknown name means it."""
        demand = self._models.demand
        if demand is None or SEPARATOR not in name:
            return ""
        meant, _ = await demand.look(name)
        return model.suffix_asked(name) if meant is model else ""

    def make(self, name: str, modelfile: Modelfile) -> None:
        """Make a model from another by settings.

        Raises:
            NotFound: The other model does not exist.
            BadRequest: The name is invalid or that of a file, or a setting is not supported.
            DiskFull, ModelError: It cannot be written.
        """
        if self._base(name):
            raise BadRequest(
                f"{name} is a model's file, and stays as it is.",
                field="model",
                hint="Choose another name.",
            )
        make(name, modelfile, self.find(modelfile.base).modelfile)

    def copy(self, source: str, destination: str) -> None:
        """Give a model another name.

        Raises:
            NotFound, BadRequest, DiskFull, ModelError: See ``make``.
        """
        self.make(destination, Modelfile(self.find(source).name))

    def remove(self, name: str) -> None:
        """Delete a model: its settings, or its file.

        Raises:
            NotFound: There is none of that name.
            BadRequest: It is loaded.
            ModelError: It cannot be deleted.
        """
        item = self.find(name)
        if item.is_made:
            created.remove(Name.of(name))
        elif item.model is not None:
            raise BadRequest(f"{name} is loaded, and cannot be deleted now.", field="model")
        else:
            store.remove(plain(item.name))

    def pull(self, reference: str, report: Report) -> None:
        """Download a model unless it is here.

        Args:
            reference: An alias of the catalogue, ``hf:…``, ``hf.co/…``, ``ollama:…``, or a name in Ollama's registry.
            report: Called with the progress in bytes; an exception from it ends the download.

        Raises:
            NotFound: There is no such model to download.
            DiskFull, FetchError, ModelError: See the sources.
        """
        from coblyn.models.pull import (
            pull,
        )  # imported late, since its HTTP client would slow down every start

        alias = reference.removesuffix(LATEST)
        if lookup(alias):
            pull(alias, report=report)
        elif not self._is_here(reference):
            pull(_source(reference), report=report)

    def _is_here(self, name: str) -> bool:
        try:
            self.find(name)
        except NotFound:
            return False
        return True

    def _bases(self) -> Iterator[Item]:
        loaded = self.loaded()
        yield from loaded
        yield from (item for item in self._stored(loaded) if item.model is None)

    def _stored(self, loaded: list[Item]) -> Iterator[Item]:
        """An item for each file that is here; one that a loaded model was read from has that model."""
        models = {real_path(item.path): item.model for item in loaded if item.path}
        for stored in store.installed():
            name, path = stored.name + LATEST, str(stored.path)
            yield Item(
                name,
                path,
                stored.size,
                stored.modified,
                Modelfile(name),
                models.get(real_path(path)),
            )

    def _base(self, name: str) -> Item | None:
        entry = lookup(plain(name))
        wanted = {plain(name), plain(entry.name) if entry else ""}
        loaded = self.loaded()
        items = chain(loaded, self._stored(loaded))
        return next((item for item in items if plain(item.name) in wanted), None)

    def _adapted(self) -> Iterator[Item]:
        """An item for each loaded model with each of its adapters."""
        for model in self._models:
            for info in model.adapters.infos:
                yield _with_suffix(model, SEPARATOR + info.name)

    def _unloaded(self) -> Iterator[Item]:
        return (item for item in self._bases() if item.model is None)

    def _could_be_adapted(self) -> Iterator[Item]:
        """An item for each file that is loaded on demand, with each of the adapters that are set for it."""
        if self._models.demand is None:
            return
        for item in self._unloaded():
            for adapter in self._models.demand.adapters(self.setup_of(item)):
                yield _adapted(item, [adapter])

    def _plain(self, name: str) -> Item | None:
        """The item of a model without adapters, by its name or an alias."""
        if declared := self._models.declared.named(name):
            return self._of_declared(declared)
        if item := self._base(name):
            return item
        made = _created(name)
        return self._made(made) if made else None

    def _with_adapters(self, name: str) -> Item | None:
        """The item of a model, loaded or not, that a name with adapters means."""
        if model := self._models.named(name):
            return _with_suffix(model, model.suffix_of(name) or "")
        start, plus, rest = plain(name).partition(SEPARATOR)
        base = self._plain(start) if plus else None
        if base is None:
            return None
        if base.model:
            suffix = plus + rest
            return _with_suffix(base.model, suffix) if base.model.adapters.named(suffix) else None
        return self._could_have(base, rest.split(SEPARATOR))

    def _could_have(self, base: Item, wanted: Sequence[str]) -> Item | None:
        """A model that is not loaded, with those of the adapters that are set for it; None if one is not."""
        demand = self._models.demand
        known = demand.adapters(self.setup_of(base)) if demand else ()
        by_name = {adapter.name.casefold(): adapter for adapter in known}
        if not by_name.keys() >= {name.casefold() for name in wanted}:
            return None
        return _adapted(base, [by_name[name.casefold()] for name in wanted])

    def _others_declared(self) -> list[Item]:
        """The declared models, without those that a loaded model is called by."""
        items = map(self._of_declared, self._models.declared)
        return [each for each in items if not each.model or each.model.name != each.file_name]

    def _of_declared(self, declared: Declared) -> Item:
        path, setup = declared.path, declared.setup
        state = path.stat() if path.is_file() else None
        return Item(
            declared.name if ":" in declared.name else declared.name + LATEST,
            str(path),
            state.st_size if state else 0,
            datetime.fromtimestamp(state.st_mtime if state else 0, UTC),
            declared.modelfile,
            self._models.serving(setup),
            is_made=True,
            setup=setup,
        )

    def _made(self, made: Created) -> Item:
        base = self._base(made.modelfile.base)
        model, least = base.model if base else None, made.modelfile.least_context
        if base and base.path and least:
            model = self._models.serving(replace(self.setup_of(base), least_context=least))
        return Item(
            str(made.name),
            base.path if base else "",
            base.size if base else 0,
            made.modified,
            made.modelfile,
            model,
            is_made=True,
        )


def _not_found(name: str) -> NotFound:
    """The error in Ollama's words: its clients look for them, and some offer to pull the model then."""
    return NotFound(f"model '{name}' not found")


def _of_loaded(model: LoadedModel) -> Item:
    info = model.engine.info
    path = Path(info.path)
    is_file = bool(info.path) and path.is_file()
    modified = datetime.fromtimestamp(path.stat().st_mtime if is_file else model.entry.created, UTC)
    name = model.name if ":" in model.name else model.name + LATEST
    size = path.stat().st_size if is_file else info.size
    return Item(name, info.path, size, modified, Modelfile(name), model)


def _with_suffix(model: LoadedModel, suffix: str) -> Item:
    plain_one = _of_loaded(model)
    names = [choice.which for choice in model.adapters.named(suffix) or ()]
    files = tuple(info.path for info in model.adapters.infos if info.name in names)
    name = plain_one.name.removesuffix(LATEST) + suffix + LATEST
    modelfile = Modelfile(plain_one.name, adapters=files)
    return replace(plain_one, name=name, modelfile=modelfile, suffix=suffix)


def _adapted(item: Item, adapters: Sequence[AdapterSpec]) -> Item:
    """A model that is not loaded, with adapters that it would be loaded with."""
    suffix = "".join(SEPARATOR + adapter.name for adapter in adapters)
    files = tuple(str(adapter.path) for adapter in adapters)
    name, modelfile = item.file_name + suffix + LATEST, Modelfile(item.name, adapters=files)
    return replace(item, name=name, modelfile=modelfile, suffix=suffix)


def _created(name: str) -> Created | None:
    try:
        whole = Name.of(name)
    except BadRequest:
        return None
    return created.find(whole)


def _source(reference: str) -> str:
    """The source to download a name from, in Ollama's notation or ours. Files and web addresses have none."""
    for host in ("hf.co/", "huggingface.co/"):
        if reference.startswith(host):
            return f"hf:{reference.removeprefix(host).removesuffix(LATEST)}"
    if reference.startswith(("hf:", "ollama:")):
        return reference
    return f"ollama:{Name.of(reference)}".replace("ollama:library/", "ollama:")


@functools.lru_cache(maxsize=256)
def _header(path: str, modified: int, size: int) -> GgufHeader:  # noqa: ARG001 - what changes with the file
    return read_header(Path(path))
