"""Which model answers: chosen, fetched, loaded, unloaded, and what is told of each."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from coblyn.errors import Busy, Cancelled, EngineError, NotFound
from coblyn.models.catalogue import STARTER
from coblyn.models.declared import Declared, DeclaredModels
from coblyn.models.setup import Setup
from coblyn.progress import Progress, Report
from coblyn.service.inventory import Inventory
from coblyn.service.models import Models
from coblyn.service.picker import Picker
from factories import wait_for
from gguf_file import tiny_gguf
from service.test_demand import FakeLoader, FileEngine, files, make

__all__ = ["files"]


class FakeSwitch:
    """Exchanges the engine of the first model when it is told to go on."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.loaded = 0.25
        self.may_go_on = asyncio.Event()
        self.problem: Exception | None = None
        self.builds = False

    async def load(self, setup: Setup, report: Report) -> None:
        if self.builds:
            report(Progress("Compiling", 3, 8))
        await self.may_go_on.wait()
        if self.problem:
            raise self.problem
        self.models.default.engine = FileEngine(setup.path)

    async def unload(self) -> None:
        engine = self.models.default.engine
        assert isinstance(engine, FileEngine)
        engine.state = "unloaded"


@pytest.fixture
def models(files: Path) -> Models:
    return make(files, FakeLoader())


@pytest.fixture
def switch(models: Models) -> FakeSwitch:
    return FakeSwitch(models)


@pytest.fixture
def picker(models: Models, switch: FakeSwitch) -> Picker:
    return Picker(models, Inventory(models), switch)


def told(picker: Picker) -> dict[str, tuple[str, bool]]:
    return {each.item.file_name: (each.state, each.answers) for each in picker.choices()}


async def test_the_chosen_model_answers_and_tells_how_far_it_is(
    picker: Picker, switch: FakeSwitch
) -> None:
    assert told(picker)["second"] == ("here", False)
    work = picker.load("second")
    assert work.to_json(picker.loaded)["done"] == 250
    with pytest.raises(Busy, match="on its way"):
        picker.load("third")
    picker.stop()  # a load goes on
    switch.may_go_on.set()
    await wait_for(lambda: picker.work is None)
    assert told(picker)["second"] == ("ready", True)
    assert told(picker)["first"] == ("here", False)


async def test_a_build_before_a_load_is_told_and_can_be_ended(
    picker: Picker, switch: FakeSwitch
) -> None:
    switch.builds = True
    work = picker.load("second")
    await wait_for(lambda: work.kind == "build")
    assert {**work.to_json(0.0), "name": ""} == {
        "name": "",
        "kind": "build",
        "phase": "Compiling",
        "done": 3,
        "total": 8,
        "unit": "steps",
    }
    picker.stop()
    with pytest.raises(Cancelled):
        work.report(Progress("Compiling", 4, 8))
    await picker.close()


async def test_what_failed_is_told_until_it_is_put_away(picker: Picker, switch: FakeSwitch) -> None:
    switch.problem = EngineError("Out of memory.")
    switch.may_go_on.set()
    work = picker.load("second")
    await wait_for(lambda: work.is_over)
    assert picker.work is work
    assert str(work.failure) == "Out of memory."
    assert told(picker)["first"] == ("ready", True)
    picker.stop()
    assert picker.work is None


async def test_names_that_are_not_here_are_told(picker: Picker, models: Models) -> None:
    work = picker.load("none")
    await wait_for(lambda: work.is_over)
    assert isinstance(work.failure, NotFound)
    with pytest.raises(NotFound, match="catalogue"):
        picker.fetch("https://example.com/a.gguf")
    with pytest.raises(NotFound, match="not loaded"):
        await picker.unload("second")
    fixed = Picker(models, Inventory(models), None)
    assert not fixed.can_load
    with pytest.raises(NotFound, match="at run time"):
        fixed.load("second")


async def test_unloading_is_for_the_first_and_for_those_on_demand(
    picker: Picker, models: Models
) -> None:
    await picker.unload("first")
    assert told(picker)["first"] == ("unloaded", False)
    second = await models.ready("second")
    second.num_users = 1
    with pytest.raises(Busy, match="in use"):
        await picker.unload("second")
    second.num_users = 0
    await picker.unload("second")
    assert told(picker)["second"] == ("here", False)


async def test_one_that_came_on_demand_is_not_loaded_twice(
    picker: Picker, models: Models, switch: FakeSwitch
) -> None:
    await models.ready("second")
    switch.may_go_on.set()
    picker.load("second")
    await wait_for(lambda: picker.work is None)
    assert [model.name for model in models] == ["second"]


async def test_declared_models_can_be_chosen(files: Path) -> None:
    warm = Declared("warm", files / "second.gguf", defaults={"top_k": 2}, settings={"context": 77})
    models = Models([FileEngine(files / "first.gguf")], declared=DeclaredModels([warm]))
    switch = FakeSwitch(models)
    switch.may_go_on.set()
    inventory = Inventory(models)
    picker = Picker(models, inventory, switch)
    assert "warm:latest" in [choice.item.name for choice in picker.choices()]
    picker.load("warm")
    await wait_for(lambda: picker.work is None)
    assert models.default.setup == warm.setup
    chosen = [choice.item.name for choice in picker.choices() if choice.answers]
    assert chosen == ["warm:latest"]
    assert models.default.name == "warm"
    settings = inventory.declared("")
    assert settings
    assert settings.parameters == {"top_k": 2}


async def test_a_file_that_is_loaded_alone_is_not_what_was_declared_for_it(files: Path) -> None:
    wide = Declared("wide", files / "second.gguf", settings={"context": 77})
    models = Models([FileEngine(files / "first.gguf")], declared=DeclaredModels([wide]))
    switch = FakeSwitch(models)
    switch.may_go_on.set()
    picker = Picker(models, Inventory(models), switch)
    for name, is_wide in (("wide", True), ("first", False)):
        picker.load(name)
        await wait_for(lambda: picker.work is None)
        assert (models.serving(wide.setup) is models.default) is is_wide
    models.default.engine = FileEngine(files / "second.gguf")  # an administrator loads it
    assert (models.default.name, models.default.setup.own) == ("second", {})
    assert models.serving(wide.setup) is None


async def test_a_file_that_is_no_model_says_so(picker: Picker, files: Path) -> None:
    (files / "page.gguf").write_text("<!DOCTYPE html><title>Not found</title>")
    trouble = {each.item.file_name: each.trouble for each in picker.choices()}
    assert "HTML" in trouble["page"] or "web page" in trouble["page"]
    assert trouble["first"] == ""


async def test_the_starter_is_fetched_and_then_loaded(
    picker: Picker, files: Path, switch: FakeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, ended = threading.Event(), []

    def pull(_: Inventory, alias: str, report: Report) -> None:
        report(Progress("Fetching", 10, 100, "bytes"))
        may_end.wait(10)
        report(Progress("Fetching", 100, 100, "bytes"))
        tiny_gguf().write(files / f"{STARTER.name}.gguf")
        ended.append(alias)

    monkeypatch.setattr(Inventory, "pull", pull)
    switch.may_go_on.set()
    work = picker.fetch("smollm2")
    await wait_for(lambda: work.progress is not None)
    assert (work.to_json(1.0)["kind"], work.to_json(1.0)["done"]) == ("fetch", 10)
    picker.stop()
    may_end.set()
    await wait_for(lambda: work.is_over)
    assert (picker.work, ended) == (None, [])
    picker.fetch("smollm2")
    await wait_for(lambda: picker.work is None)
    assert ended == ["smollm2"]
    assert told(picker)[STARTER.name] == ("ready", True)
