"""What a generation would cost, against what it then does cost."""

from __future__ import annotations

import asyncio

from coblyn.engine.events import Finish, Stats
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.service.command import GenerateCommand, TextPrompt
from coblyn.service.hub import Record
from coblyn.service.plan import measured
from coblyn.service.services import Services, make_services


def command(text: str, max_tokens: int = 5) -> GenerateCommand:
    return GenerateCommand(TextPrompt(text), max_tokens=max_tokens)


async def run(services: Services, wanted: GenerateCommand) -> Stats:
    generation = await services.generator.start(wanted)
    async for event in generation:
        if isinstance(event, Finish):
            stats = event.stats
    await generation.aclose()
    return stats


def test_a_plan_says_what_the_generation_then_finds() -> None:
    async def main() -> None:
        engine = LocalEngine(lambda: FakeRunner(seconds_a_step=0.001))
        services = make_services(engine)
        prompt = "The water dripped, and nobody spoke for a long while. " * 10
        first = await services.planner.foresee(command(prompt))
        assert (first.cached, first.tokens, first.seconds) == (0, 1 + len(prompt), None)  # BOS
        assert engine.status().num_running == 0
        spent = await run(services, command(prompt))
        assert (spent.num_cached, spent.num_prompt) == (first.cached, first.tokens)
        for text in (prompt, prompt + "More.", prompt[:200] + "!" + prompt[200:], "Another."):
            seen = await services.planner.foresee(command(text))
            spent = await run(services, command(text))
            assert seen.cached == spent.num_cached, text
        again = await services.planner.foresee(command(prompt + " On and on." * 9))
        assert again.rates.reading is not None
        assert again.seconds == (again.tokens - again.cached) / again.rates.reading
        await engine.close()

    asyncio.run(main())


def test_speeds_are_of_the_newest_generation_that_was_long_enough() -> None:
    def record(read: int, wrote: int) -> Record:
        stats = Stats(read + 7, 7, wrote, 0.0, 2.0, 4.0)
        return Record("id", "", finish=Finish("id", "length", stats))

    rates = measured([record(4, 9), record(64, 3), record(640, 401)])
    assert (rates.reading, rates.writing) == (32.0, 100.0)
    assert measured([record(4, 9)]).reading is None
