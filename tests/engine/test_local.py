"""The engine thread inside this process: failures end requests, never leave them waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from coblyn.engine.core import Core
from coblyn.engine.events import Delta, Event, Finish
from coblyn.engine.fake import STORY, FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.plan import Plan, Row, Sampled
from coblyn.engine.request import Request
from coblyn.errors import BadRequest, EngineError, EngineStopped


class BuggyRunner(FakeRunner):
    """Fails in a way that nobody foresaw."""

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
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


class VisitedRunner(FakeRunner):
    """Somebody comes before its fourth step, in the middle of steps in a row."""

    def __init__(self, visit: Callable[[], None]) -> None:
        super().__init__(most_steps=8)
        self.visit = visit
        self.num_steps = 0

    def _step(self, rows: Sequence[Row]) -> list[Sampled]:
        self.num_steps += 1
        if self.num_steps == 4:
            self.visit()
        return super()._step(rows)


def test_who_comes_waits_for_no_more_than_the_step_in_hand() -> None:
    events: list[Event] = []
    over = threading.Event()

    def deliver(new: Sequence[Event]) -> None:
        events.extend(new)
        if sum(event.is_last for event in events) == 2:
            over.set()

    runner = VisitedRunner(lambda: core.submit(Request("b", tuple(b"other"), 3)))
    core = Core(lambda: runner, deliver, max_running=2, busy_batch=64)
    core.start()
    core.submit(ask("a", 20))
    assert over.wait(10)
    core.stop()
    written = [len(e.tokens) for e in events if isinstance(e, Delta) and e.request_id == "a"]
    # The first token goes at once; three steps in a row, not eight; then the visitor is there.
    assert written[:3] == [1, 3, 1]
    assert {row.request_id for row in runner.history[2].rows} == {"a", "b"}
    assert sum(written) == 20
