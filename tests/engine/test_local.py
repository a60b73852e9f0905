"""The engine thread inside this process: failures end requests, never leave them waiting."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from coblyn.engine.core import Core
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Event, Failed, Finish
from coblyn.engine.fake import STORY, FakeRunner, FakeVocab
from coblyn.engine.interface import Prepared
from coblyn.engine.local import LocalEngine
from coblyn.engine.plan import Plan, Row, Sampled
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.errors import BadRequest, EngineError, EngineStopped
from factories import events_of
from factories import tokens_of as ids_of


class BuggyRunner(FakeRunner):
    """Fails in a way that nobody foresaw."""

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        if len(self.history) == 3:
            raise ZeroDivisionError
        return super().run(plan)


def ask(name: str, count: int = 10) -> Request[Prompt]:
    return Request(name, Prompt.of(b"hello"), count)


async def read(engine: LocalEngine, request: Request[Prompt]) -> str:
    events = [event async for event in events_of(engine, request)]
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
    with pytest.raises(BadRequest, match="max_tokens"):
        await read(engine, ask("b", 0))
    assert await read(engine, ask("c", 5)) == STORY[:5]
    await engine.close()


@pytest.mark.parametrize(
    ("prompt", "negative", "field"), [(b"", b"x", "prompt"), (b"x", b"", "negative_prompt")]
)
def test_an_empty_prompt_is_refused(prompt: bytes, negative: bytes, field: str) -> None:
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    core = Core(FakeRunner, lambda new: [events.put(e) for e in new], max_running=2, busy_batch=64)
    core.start()
    core.submit(Request("a", Prompt.of(prompt), 5, negative=Prompt.of(negative)))
    failed = events.get(timeout=10)
    core.stop()
    assert isinstance(failed, Failed)
    assert (failed.code, failed.field) == ("bad_request", field)


async def test_calls_run_between_steps() -> None:
    engine = LocalEngine(FakeRunner)
    assert await engine.call(lambda runner: runner.num_cells) == 4096

    def fail(_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await engine.call(fail)
    assert await read(engine, ask("a", 5)) == STORY[:5]
    await engine.close()


async def test_a_call_that_nobody_waits_for_any_more_ends_nothing() -> None:
    engine = LocalEngine(FakeRunner)
    begun, goes_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        goes_on.wait(10)

    held = asyncio.create_task(engine.call(hold))
    await asyncio.to_thread(begun.wait, 10)
    calls: list[object] = []
    given_up = asyncio.create_task(engine.call(calls.append))
    await asyncio.sleep(0)
    for task in (held, given_up):
        task.cancel()
    await asyncio.gather(held, given_up, return_exceptions=True)
    goes_on.set()
    assert await engine.call(lambda _: 7) == 7
    assert calls == []
    await engine.close()


class PickyRunner(FakeRunner):
    """Can not prepare some requests, and not even for a reason that is known."""

    def prepare(self, request: Request[Prompt]) -> Prepared:
        if request.id == "odd":
            raise OverflowError("Python int too large to convert to C long")
        return super().prepare(request)


async def test_what_can_not_be_prepared_fails_alone_and_leaves_nothing_behind() -> None:
    runner = PickyRunner(seconds_a_step=0.01)
    engine = LocalEngine(lambda: runner)
    other = asyncio.create_task(read(engine, ask("b", 20)))
    with pytest.raises(EngineError, match=r"could not be prepared.*too large"):
        await read(engine, ask("odd"))
    assert await other == STORY[:20]
    assert await read(engine, ask("c", 5)) == STORY[:5]
    assert (engine.status().state, runner._requests) == ("ready", {})
    await engine.close()


class HeldBack:
    """What is prepared, and whether it was freed."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class SlowRunner(FakeRunner):
    """Makes the request ``slow`` ready only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let = threading.Event(), threading.Event()
        self.made: list[HeldBack] = []

    def prepare(self, request: Request[Prompt]) -> Prepared:
        if request.id == "slow":
            self.begun.set()
            assert self.let.wait(60)
        self.made.append(HeldBack(super().prepare(request)))
        return self.made[-1]

    def open(self, prepared: Prepared) -> None:
        assert isinstance(prepared, HeldBack)
        super().open(prepared.prepared)


async def test_a_request_that_takes_long_to_prepare_stalls_nobody() -> None:
    runner = SlowRunner()
    engine = LocalEngine(lambda: runner)
    slow = asyncio.create_task(read(engine, ask("slow")))
    await asyncio.to_thread(runner.begun.wait)
    for name in "ab":
        assert await read(engine, ask(name)) == STORY[:10]
    assert not slow.done()
    runner.let.set()
    assert await slow == STORY[:10]
    await engine.close()


async def test_a_request_that_is_being_prepared_can_be_cancelled() -> None:
    """It ends at once, leaves nothing behind, and its id may be used again."""
    runner = SlowRunner()
    engine = LocalEngine(lambda: runner)
    slow = asyncio.create_task(read(engine, ask("slow")))
    await asyncio.to_thread(runner.begun.wait)
    await engine.cancel("slow")
    assert await slow == ""
    again = asyncio.create_task(read(engine, ask("slow")))
    await asyncio.sleep(0)
    runner.let.set()
    assert await again == STORY[:10]
    await engine.close()
    assert [held.is_closed for held in runner.made].count(True) == 1
    assert runner._requests == {}


async def test_closing_waits_for_what_is_being_prepared_and_runs_it_no_more() -> None:
    runner = SlowRunner()
    engine = LocalEngine(lambda: runner)
    slow = asyncio.create_task(read(engine, ask("slow")))
    await asyncio.to_thread(runner.begun.wait)
    closing = asyncio.create_task(engine.close())
    assert await slow == ""
    assert not runner.closed
    runner.let.set()
    await closing
    assert runner.closed
    assert [held.is_closed for held in runner.made] == [True]


async def test_who_came_first_is_queued_first_though_ready_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coblyn.engine.preparing.PATIENCE", 60.0)
    runner = SlowRunner()
    engine = LocalEngine(lambda: runner, max_running=1)
    texts = [asyncio.create_task(read(engine, ask(name))) for name in ("slow", "b")]
    await asyncio.to_thread(runner.begun.wait)
    while not runner.made:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0.001)
    runner.let.set()
    assert await asyncio.gather(*texts) == [STORY[:10]] * 2
    assert next(row.request_id for plan in runner.history for row in plan.rows) == "slow"
    await engine.close()


async def test_a_thread_that_ends_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was: here the engine fails where nothing of the kind is expected."""
    runner = FakeRunner(seconds_a_step=0.01, repeats=True)
    engine = LocalEngine(lambda: runner)
    waiting = asyncio.create_task(read(engine, ask("a", 1000)))
    await asyncio.sleep(0.05)
    monkeypatch.setattr(
        "coblyn.engine.core.Core._handle", lambda *_: (_ for _ in ()).throw(SystemExit(1))
    )
    with pytest.raises(EngineError, match="SystemExit"):
        await read(engine, ask("b"))
    with pytest.raises(EngineError, match="SystemExit"):
        await waiting
    assert engine.status().state == "stopped"
    with pytest.raises(EngineStopped):
        await read(engine, ask("c"))
    with pytest.raises(EngineStopped):
        await engine.call(lambda runner: runner.num_cells)
    assert not runner.closed  # its vocabulary may still be asked
    assert await ids_of(engine, "x", add_special=False, parse_special=False) == [ord("x")]
    await engine.close()
    assert runner.closed
    with pytest.raises(EngineStopped):
        await ids_of(engine, "x", add_special=False, parse_special=False)


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

    def visit() -> None:
        core.submit(Request("b", Prompt.of(b"other"), 3))
        while not runner.interrupted:
            time.sleep(0.001)

    runner = VisitedRunner(visit)
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


class Measuring(FakeRunner):
    """Measures while it rests, until it is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()

    def rest(self) -> float | None:
        self.num_rests += 1
        self.came.wait()
        return 0.0

    def interrupt(self, wanted: bool) -> None:
        super().interrupt(wanted)
        if wanted:
            self.came.set()
        else:
            self.came.clear()


async def test_who_comes_ends_what_the_engine_does_while_it_rests() -> None:
    runner = Measuring()
    engine = LocalEngine(lambda: runner)
    for name in "ab":
        assert await read(engine, ask(name)) == STORY[:10]
    assert await engine.call(lambda _: 7) == 7
    await engine.close()
    assert runner.num_rests
    assert runner.closed


async def test_an_engine_that_rests_does_what_there_is_to_do_and_then_waits() -> None:
    runner = FakeRunner(rests=3)
    engine = LocalEngine(lambda: runner)
    while runner.num_rests < 3:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0.001)
    assert await read(engine, ask("a")) == STORY[:10]
    await engine.close()
    assert runner.num_rests <= 6, "at most once more after each message"


class SlowVocab(FakeVocab):
    """Tokenizes when it may."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        self.began.set()
        assert self.may_end.wait(10)
        return super().tokenize(text, add_special=add_special, parse_special=parse_special)


async def test_a_long_text_holds_nobody_up_and_is_not_cut_off_by_the_end() -> None:
    vocab = SlowVocab()
    runner = FakeRunner(vocab=vocab)
    engine = LocalEngine(lambda: runner)
    encoding = asyncio.create_task(engine.encode(Source((Text("x" * 30_000, False),))))
    await asyncio.to_thread(vocab.began.wait, 10)
    assert await read(engine, ask("a"))
    left = asyncio.create_task(engine.encode(Source((Text("y" * 30_000, False),))))
    await asyncio.sleep(0)
    left.cancel()
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0.01)
    assert not runner.closed
    vocab.may_end.set()
    await closing
    assert runner.closed
    assert (await encoding).num_tokens == 30_000
