"""Models that come when they are named, and go when nobody uses them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coblyn import paths
from coblyn.engine.interface import EngineClient, ModelInfo
from coblyn.errors import BadRequest, Busy, ModelBroken, NotFound
from coblyn.models import created
from coblyn.models.adapter import AdapterSpec
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from coblyn.models.setup import Setup
from coblyn.progress import Progress
from coblyn.service.demand import FOR_EVER, Demand
from coblyn.service.inventory import Inventory
from coblyn.service.models import Models, UnknownModel
from factories import SteppedEngine, wait_for
from gguf_file import tiny_gguf


class FileEngine(SteppedEngine):
    """An engine that has loaded a file."""

    def __init__(self, path: Path, context: int = 0) -> None:
        super().__init__(name=path.stem)
        self._path = path
        self._context = context

    @property
    def info(self) -> ModelInfo:
        info = super().info
        return replace(info, path=str(self._path), context=self._context or info.context)


class FakeLoader:
    """Loads files in no time, as many as there is room for."""

    def __init__(self, room: int = 9) -> None:
        self.room = room
        self.log: list[str] = []
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.problem: Exception | None = None
        self.known_adapters: dict[str, tuple[AdapterSpec, ...]] = {}

    def survey(self, setup: Setup) -> dict[str, Any]:
        return {"model": str(setup.path)}

    def fits(self, setup: Setup) -> bool:
        return self.room > 0

    def adapters(self, setup: Setup) -> tuple[AdapterSpec, ...]:
        return self.known_adapters.get(setup.path.stem, ())

    def progress(self, setup: Setup) -> Progress:
        return Progress("Loading", 420, 1000, "parts")

    async def load(self, setup: Setup) -> EngineClient:
        self.log.append(f"load {setup.path.stem}")
        await self.may_load.wait()
        if self.problem:
            raise self.problem
        self.room -= 1
        engine = FileEngine(setup.path, setup.least_context)
        engine.allow()
        return engine

    async def release(self, engine: EngineClient) -> None:
        self.log.append(f"release {engine.info.name}")
        self.room += 1

    async def sleep(self) -> None:
        self.log.append("sleep")
        self.room += 1

    async def wake(self) -> None:
        self.log.append("wake")
        self.room -= 1


@pytest.fixture
def files() -> Path:
    folder = paths.models()
    for name in ("first", "second", "third"):
        tiny_gguf().write(folder / f"{name}.gguf")
    return folder


def make(files: Path, loader: FakeLoader, **settings: Any) -> Models:
    """Models of which the first is loaded."""
    models = Models([FileEngine(files / "first.gguf")])
    models.demand = Demand(models, loader, **settings)
    return models


def names(models: Models) -> list[str]:
    return [model.name for model in models]


async def test_a_model_is_loaded_when_it_is_named(files: Path) -> None:
    loader = FakeLoader()
    models = make(files, loader)
    async with models.acquire("Second:latest") as model:
        assert model.name == "second"
    async with models.acquire("first") as model:
        assert model is models.default
    created.save(Name.of("pirate"), Modelfile("second"))
    async with models.acquire("pirate") as model:
        assert model.name == "second"
    assert loader.log == ["load second"]
    assert names(models) == ["first", "second"]


async def test_a_made_model_has_the_context_that_it_asks_for(files: Path) -> None:
    loader = FakeLoader()
    models = make(files, loader)
    first = models.default.engine.info.context
    contexts = {"small": 16, "more": first + 512, "much": first + 1024}
    for name, context in contexts.items():
        created.save(Name.of(name), Modelfile("first", {"num_ctx": context}))
    for name, context in contexts.items():
        async with models.acquire(name) as model:
            assert model.engine.info.context >= context
        assert Inventory(models).find(name).model is model
        async with models.acquire(model.name) as again:
            assert again is model
    assert names(models) == ["first", f"first-{first + 512}", f"first-{first + 1024}"]
    async with models.acquire("first") as model:
        assert model is models.default
    assert loader.log == ["load first", "load first"]


async def test_a_made_model_does_not_narrow_its_file(files: Path) -> None:
    loader = FakeLoader()
    models = make(files, loader)
    created.save(Name.of("small"), Modelfile("second", {"num_ctx": 16}))
    async with models.acquire("small") as model:
        assert (model.name, model.engine.info.context) == ("second-16", 16)
    async with models.acquire("second") as model:
        assert model.engine.info.context > 16
    created.save(Name.of("odd"), Modelfile("second", {"num_ctx": "wide"}))
    async with models.acquire("odd") as again:
        assert again is model


async def test_files_of_one_name_in_two_folders_are_two_models(files: Path) -> None:
    for folder in ("a", "b"):
        tiny_gguf().write(files / folder / "same.gguf")
    loader = FakeLoader()
    models = make(files, loader)
    for name in ("a/same", "b/same", "a/same"):
        async with models.acquire(name) as model:
            assert model.engine.info.path == str(files / f"{name}.gguf")
            assert models.find(model.name) is model
    assert loader.log == ["load same", "load same"]
    assert names(models) == ["first", "same", "b/same"]


async def test_a_link_to_a_file_is_that_file(files: Path, tmp_path: Path) -> None:
    loader = FakeLoader()
    link = tmp_path / "linked.gguf"
    link.symlink_to(files / "first.gguf")
    models = Models([FileEngine(link)])
    models.demand = Demand(models, loader)
    inventory = Inventory(models)
    assert next(item.name for item in inventory.all()) == "linked:latest"
    assert {item.name for item in inventory.waiting()} == {"second:latest", "third:latest"}
    assert await models.ready("first") is models.default
    assert inventory.find("first").model is models.default
    with pytest.raises(BadRequest, match="is loaded"):
        inventory.remove("first")
    assert loader.log == []


async def test_lists_name_what_could_be_loaded_with_adapters(files: Path) -> None:
    loader = FakeLoader()
    poet = AdapterSpec("poet", files / "poet.bin")
    loader.known_adapters = {"first": (poet,), "second": (poet,)}
    models = make(files, loader)
    inventory = Inventory(models)
    unloaded = {item.name for item in inventory.waiting()}
    assert unloaded == {"second:latest", "third:latest", "second+poet:latest"}
    assert unloaded < {item.name for item in inventory.all()}
    item = inventory.find("Second+POET")
    assert (item.path, item.suffix) == (str(files / "second.gguf"), "+poet")
    assert item.modelfile.adapters == (str(poet.path),)
    with pytest.raises(NotFound):
        inventory.find("third+poet")
    models.demand = None
    assert "second+poet:latest" not in {item.name for item in inventory.all()}


async def test_other_names_mean_the_first_as_before(files: Path) -> None:
    models = make(files, FakeLoader())
    await models.ready("second")
    for name in ("gpt-3.5-turbo", "", str(files / "third.gguf"), "../third"):
        assert await models.ready(name) is models.default
    strict = Models([SteppedEngine()], is_strict=True)
    strict.demand = Demand(strict, FakeLoader())
    with pytest.raises(UnknownModel):
        await strict.ready("gpt-3.5-turbo")


async def test_those_who_wait_for_one_model_load_it_once(files: Path) -> None:
    loader = FakeLoader()
    loader.may_load.clear()
    models = make(files, loader)
    waiting = [asyncio.create_task(models.ready("second")) for _ in range(3)]
    await wait_for(lambda: bool(loader.log))
    waiting[0].cancel()
    loader.may_load.set()
    _, one, other = await asyncio.gather(*waiting, return_exceptions=True)
    assert one is other
    assert loader.log == ["load second"]


async def test_a_load_that_fails_is_told_and_tried_again(files: Path) -> None:
    loader = FakeLoader()
    models = make(files, loader)
    loader.problem = ModelBroken("It is broken.")
    with pytest.raises(ModelBroken):
        await models.ready("second")
    loader.problem = None
    assert (await models.ready("second")).name == "second"


async def test_what_was_unused_for_longest_makes_room(files: Path) -> None:
    loader = FakeLoader(room=1)
    models = make(files, loader)
    models.default.num_users = 1
    await models.ready("second")
    assert (await models.ready("third")).name == "third"
    assert loader.log == ["load second", "release second", "load third"]
    async with models.acquire("third"):
        with pytest.raises(Busy, match="no room for second"):
            await models.ready("second")
        models.default.num_users = 0
        await models.ready("second")
    assert loader.log[3:] == ["sleep", "load second"]
    assert models.default.is_asleep
    await models.ready("first")
    assert loader.log[5:] == ["release second", "wake"]
    assert not models.default.is_asleep


async def test_where_nothing_can_make_room_it_is_tried_all_the_same(files: Path) -> None:
    loader = FakeLoader(room=-1)
    models = make(files, loader)
    assert (await models.ready("second")).name == "second"
    assert loader.log == ["sleep", "load second"]


async def test_models_go_when_nobody_has_used_them(files: Path) -> None:
    loader, now = FakeLoader(), [0.0]
    models = make(files, loader, keep_seconds=300, clock=lambda: now[0])
    demand = models.demand
    assert demand
    second, third = await models.ready("second"), await models.ready("third")
    assert demand.keep(second, 10)
    assert demand.keep(third, FOR_EVER)
    assert not demand.keep(models.default, 0)
    now[0] = 9.0
    await demand.close_idle()
    assert names(models) == ["first", "second", "third"]
    now[0], second.num_users = 11.0, 1
    await demand.close_idle()
    assert names(models) == ["first", "second", "third"]
    second.num_users = 0
    await demand.close_idle()
    assert names(models) == ["first", "third"]
    assert demand.keep(third, None)
    now[0] = 10**6
    await demand.close_idle()
    assert names(models) == ["first"]
    assert not models.default.is_asleep


async def test_the_first_sleeps_if_the_user_wants_that(files: Path) -> None:
    loader = FakeLoader()
    models = make(files, loader, sleep_seconds=60)
    assert models.demand
    models.default.last_used -= 61
    await models.demand.close_idle()
    assert models.default.is_asleep
    await models.demand.close_idle()
    async with models.acquire() as model:
        assert not model.is_asleep
    assert loader.log == ["sleep", "wake"]


def without_a_model(loader: FakeLoader) -> Models:
    """A server that began with none."""
    first = SteppedEngine(name="")
    first.state = "unloaded"
    models = Models([first])
    models.demand = Demand(models, loader, sleep_seconds=1)
    return models


async def test_a_server_without_a_model_loads_what_is_named(files: Path) -> None:
    loader = FakeLoader()
    models = without_a_model(loader)
    assert models.demand
    assert await models.ready("") is models.default
    assert (await models.ready("second")).name == "second"
    assert (await models.ready("third")).name == "third"
    assert (await models.ready("")).name == "third"
    async with models.acquire("second"):
        pass
    assert models.find("gpt-3.5-turbo").name == "second"
    models.default.last_used -= 100
    await models.demand.close_idle()
    assert loader.log == ["load second", "load third"], "there is nothing that could sleep"


async def test_a_first_that_is_away_makes_no_room(files: Path) -> None:
    loader = FakeLoader(room=1)
    models = without_a_model(loader)
    await models.ready("second")
    await models.ready("third")
    assert loader.log == ["load second", "release second", "load third"]


async def test_its_name_brings_back_the_first_that_was_unloaded(files: Path) -> None:
    loader = FakeLoader()
    models = make(files, loader)
    engine = models.default.engine
    assert isinstance(engine, FileEngine)
    engine.state = "unloaded"
    await models.ready("")
    assert loader.log == []
    assert await models.ready("first") is models.default
    assert loader.log == ["wake"]


def test_a_server_without_a_model_says_so() -> None:
    engine = SteppedEngine(name="")
    with pytest.raises(UnknownModel) as caught:
        Models([engine], is_strict=True).find("a")
    assert caught.value.hint == "No model is loaded."
    assert Models([engine]).find("+a").name == ""
