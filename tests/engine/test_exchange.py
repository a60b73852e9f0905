"""Engines that are exchanged while requests run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from coblyn.chat.messages import Message
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.engine.fleet import Fleet
from coblyn.errors import Busy, CoblynError, EngineError, EngineStopped, ModelBroken
from coblyn.service.command import ChatPrompt, GenerateCommand, TextPrompt
from coblyn.service.generate import Generation
from coblyn.service.services import make_services
from factories import SteppedEngine, wait_for


class Started(SteppedEngine):
    """A scripted engine with the life of a process."""

    def __init__(self, config: EngineConfig, failure: CoblynError | None) -> None:
        template = "{% for m in messages %}" + config.model + ":{{ m.content }}{% endfor %}"
        super().__init__(name=config.model, chat_template=template)
        self.failure = failure
        self.pid = 1
        self.state = "loading"
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.is_drained = False
        self.was_ready = True

    @property
    def capacity(self) -> int:
        return 8

    async def start(self) -> None:
        await self.may_start.wait()
        if self.failure:
            raise self.failure
        self.state = "ready"

    def drain(self) -> None:
        self.is_drained = True

    def abandon(self) -> None:
        self.state = "stopped"

    def kill(self) -> None:
        self.state = "stopped"


class Workshop:
    """Makes engines, and keeps them."""

    def __init__(self, *, fits: bool = True) -> None:
        self.made: dict[str, Started] = {}
        self.fits = fits
        self.failures: dict[str, CoblynError] = {}
        self.starts_held = False
        self.exchange = EngineExchange(
            self.config("old"), Fleet(self.make), fits=lambda _: self.fits, drain_seconds=5
        )

    def config(self, name: str) -> EngineConfig:
        return EngineConfig(name)

    def make(self, config: EngineConfig) -> Any:
        engine = Started(config, self.failures.get(config.model))
        if self.starts_held:
            engine.may_start.clear()
        self.made[config.model] = engine
        return engine

    async def replace(self, name: str) -> None:
        await self.exchange.replace(self.config(name))

    async def begin(self, text: str = "abc") -> Generation:
        services = make_services(self.exchange)
        return await services.generator.start(GenerateCommand(TextPrompt(text)))


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    workshop = Workshop()
    await workshop.exchange.start()
    yield workshop
    await workshop.exchange.close()
    assert all(engine.state == "stopped" for engine in workshop.made.values())


async def text_of(generation: Generation) -> str:
    try:
        async for _ in generation:
            pass
        return generation.record.text
    finally:
        await generation.aclose()


async def test_what_runs_ends_with_the_engine_that_it_began_with(workshop: Workshop) -> None:
    running = await workshop.begin("abc")
    await workshop.replace("new")
    old, new = workshop.made["old"], workshop.made["new"]
    assert workshop.exchange.info.name == "new"
    later = await workshop.begin("xyz")
    assert (old.num_open, new.num_open) == (1, 1)
    assert old.state == "ready"
    old.allow()
    assert await text_of(running) == "ABC"
    await wait_for(lambda: old.state == "stopped")
    new.allow()
    assert await text_of(later) == "XYZ"


async def test_a_request_between_two_engines_is_encoded_again(workshop: Workshop) -> None:
    services = make_services(workshop.exchange)
    encode, held = workshop.made["old"].encode, asyncio.Event()

    async def slow(source: Any) -> Any:
        encoded = await encode(source)
        await held.wait()
        return encoded

    workshop.made["old"].encode = slow  # type: ignore[method-assign]
    command = GenerateCommand(TextPrompt("abc"))
    start = asyncio.create_task(services.generator.start(command))
    await wait_for(lambda: bool(workshop.made["old"].sources))
    await workshop.replace("new")
    workshop.made["new"].allow()
    held.set()
    assert await text_of(await start) == "ABC"
    assert len(workshop.made["new"].sources) == 1


async def test_where_there_is_no_room_requests_end_first_and_new_ones_wait(
    workshop: Workshop,
) -> None:
    workshop.fits = False
    running = await workshop.begin("abc")
    change = asyncio.create_task(workshop.replace("new"))
    await wait_for(lambda: workshop.exchange.status().state == "loading")
    later = asyncio.create_task(workshop.begin("xyz"))
    await asyncio.sleep(0.01)
    assert "new" not in workshop.made
    assert not later.done()
    workshop.made["old"].allow()
    assert await text_of(running) == "ABC"
    await change
    assert workshop.made["old"].state == "stopped"
    workshop.made["new"].allow()
    assert await text_of(await later) == "XYZ"


async def test_a_model_that_is_broken_changes_nothing(workshop: Workshop) -> None:
    workshop.failures["new"] = ModelBroken("It is not a model.")
    running = await workshop.begin()
    with pytest.raises(ModelBroken):
        await workshop.replace("new")
    assert workshop.exchange.info.name == "old"
    workshop.made["old"].allow()
    assert await text_of(running) == "ABC"


async def test_after_a_failure_alone_the_old_model_is_back(workshop: Workshop) -> None:
    workshop.fits = False
    workshop.failures["new"] = EngineError("Out of memory.")
    with pytest.raises(EngineError, match="Out of memory"):
        await workshop.replace("new")
    assert workshop.exchange.info.name == "old"
    assert workshop.exchange.status().state == "ready"


async def test_a_stopped_engine_is_on_its_way_as_soon_as_another_is_loaded(
    workshop: Workshop,
) -> None:
    workshop.made["old"].state = "stopped"
    workshop.starts_held = True
    change = asyncio.create_task(workshop.replace("models/new.gguf"))
    await wait_for(lambda: "models/new.gguf" in workshop.made)
    status = workshop.exchange.status()
    assert (status.state, status.coming) == ("loading", "models/new.gguf")
    later = asyncio.create_task(workshop.begin("xyz"))
    await asyncio.sleep(0.01)
    assert not later.done()
    new = workshop.made["models/new.gguf"]
    new.may_start.set()
    await change
    status = workshop.exchange.status()
    assert (status.state, status.coming) == ("ready", "")
    new.allow()
    assert await text_of(await later) == "XYZ"


async def test_a_stopped_engine_that_cannot_be_replaced_is_stopped_as_before(
    workshop: Workshop,
) -> None:
    old = workshop.made["old"]
    old.state = "stopped"
    workshop.failures["new"] = EngineError("Out of memory.")
    with pytest.raises(EngineError, match="Out of memory"):
        await workshop.replace("new")
    assert workshop.exchange.status().state == "stopped"
    assert workshop.made["old"] is old, "it was not loaded once more"


async def test_what_fails_beside_another_is_tried_alone(workshop: Workshop) -> None:
    workshop.failures["new"] = EngineError("Out of memory.")
    change = asyncio.create_task(workshop.replace("new"))
    first = workshop.made["old"]
    await wait_for(lambda: first.state == "stopped")
    with pytest.raises(EngineError):
        await change
    assert workshop.exchange.info.name == "old"


async def test_an_unloaded_model_answers_nobody_until_another_is_there(
    workshop: Workshop,
) -> None:
    await workshop.exchange.unload()
    await workshop.exchange.unload()
    assert workshop.exchange.status().state == "unloaded"
    with pytest.raises(EngineStopped, match="No model is loaded"):
        await workshop.begin()
    await workshop.replace("new")
    workshop.made["new"].allow()
    assert await text_of(await workshop.begin()) == "ABC"


async def test_an_unloaded_model_tells_what_comes_after_it(workshop: Workshop) -> None:
    await workshop.exchange.unload()
    assert workshop.exchange.status().coming == ""
    workshop.starts_held = True
    change = asyncio.create_task(workshop.replace("new"))
    await wait_for(lambda: "new" in workshop.made)
    assert workshop.exchange.status().coming == "new"
    workshop.made["new"].may_start.set()
    await change
    assert workshop.exchange.status().coming == ""


@pytest.mark.parametrize("is_unloaded", [False, True])
async def test_a_conversation_has_the_format_of_the_model_that_it_waits_for(
    workshop: Workshop, is_unloaded: bool
) -> None:
    if is_unloaded:
        await workshop.exchange.unload()
    workshop.fits, workshop.starts_held = False, True
    change = asyncio.create_task(workshop.replace("new"))
    await wait_for(lambda: "new" in workshop.made)
    services = make_services(workshop.exchange)
    prompt = ChatPrompt((Message("user", "hi"),))
    start = asyncio.create_task(services.generator.start(GenerateCommand(prompt)))
    await asyncio.sleep(0.01)  # a conversation is rendered at once
    new = workshop.made["new"]
    new.may_start.set()
    await change
    new.allow()
    assert await text_of(await start) == "NEW:HI"


async def test_one_change_at_a_time(workshop: Workshop) -> None:
    workshop.fits = False
    running = await workshop.begin()
    change = asyncio.create_task(workshop.replace("new"))
    await wait_for(lambda: workshop.exchange.status().state == "loading")
    with pytest.raises(Busy):
        await workshop.replace("other")
    workshop.made["old"].allow()
    await text_of(running)
    await change


async def test_the_end_of_the_server_is_that_of_every_engine(workshop: Workshop) -> None:
    running = await workshop.begin()
    await workshop.replace("new")
    workshop.exchange.fleet.drain()
    assert workshop.made["old"].is_drained
    assert workshop.made["new"].is_drained
    with pytest.raises(EngineStopped):
        await workshop.replace("other")
    await running.aclose()
