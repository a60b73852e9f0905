"""The engine thread inside this process: failures end requests, never leave them waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from coblyn.engine.events import Delta, Finish
from coblyn.engine.fake import STORY, FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.plan import Plan, Sampled
from coblyn.engine.request import Request
from coblyn.errors import BadRequest, EngineError, EngineStopped


class BuggyRunner(FakeRunner):
    """Fails in a way that nobody foresaw."""

    def run(self, plan: Plan) -> Sequence[Sampled]:
        if len(self.history) == 3:
            raise ZeroDivisionError
        return super().run(plan)


def ask(name: str, count: int = 10) -> Request:
    return Request(name, tuple(b"hello"), count)


async def read(engine: LocalEngine, request: Request) -> str:
    events = [event async for event in engine.generate(request)]
    assert isinstance(events[-1], Finish)
    return "".join(event.text for event in events if isinstance(event, Delta))


@pytest.mark.parametrize(
    ("runner", "error"),
    [(FakeRunner(fail_at=4), "as it was told to"), (BuggyRunner(), "ZeroDivision")],
)
async def test_a_failed_step_ends_all_requests_and_the_engine(
    runner: FakeRunner, error: str
) -> None:
    engine = LocalEngine(lambda: runner)
    results = await asyncio.gather(
        *(read(engine, ask(name)) for name in "abc"), return_exceptions=True
    )
    for result in results:
        assert isinstance(result, EngineError)
        assert error in str(result)
    with pytest.raises(EngineStopped, match="Load the model again"):
        await read(engine, ask("d"))
    await engine.close()
    assert runner.closed


def test_what_goes_wrong_at_the_start_is_raised_there() -> None:
    def make() -> FakeRunner:
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        LocalEngine(make)


async def test_a_refused_request_harms_nobody() -> None:
    engine = LocalEngine(FakeRunner)
    with pytest.raises(BadRequest, match="prompt is empty"):
        await read(engine, Request("a", (), 5))
    with pytest.raises(BadRequest, match="max_tokens"):
        await read(engine, ask("b", 0))
    assert await read(engine, ask("c", 5)) == STORY[:5]
    await engine.close()


async def test_calls_run_between_steps() -> None:
    engine = LocalEngine(FakeRunner)
    assert await engine.call(lambda runner: runner.num_cells) == 4096

    def fail(_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await engine.call(fail)
    assert await read(engine, ask("a", 5)) == STORY[:5]
    await engine.close()
