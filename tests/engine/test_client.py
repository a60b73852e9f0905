"""The engine in its own process, with the scripted runner: real processes, real signals, no model."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine import client as client_module
from coblyn.engine import process, wire
from coblyn.engine import revival as revival_module
from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Encoded, Source, Text
from coblyn.engine.events import Delta, Event, Finish
from coblyn.engine.fake import STORY
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.revival import MAX_DEATHS, Revival
from coblyn.engine.worker import Writer
from coblyn.errors import (
    BadRequest,
    BundleMissing,
    Busy,
    CoblynError,
    ConstraintRefused,
    EngineError,
    EngineRestarted,
    EngineStopped,
    ModelBroken,
    PromptForgotten,
    PromptTooLong,
)
from factories import events_of, wait_for
from factories import tokens_of as ids_of

LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux ends a stopped process with its parent"
)


@pytest.fixture
async def engine() -> AsyncIterator[ProcessEngine]:
    engine = ProcessEngine(EngineConfig(model="", max_running=2, max_waiting=1))
    await engine.start()
    yield engine
    await engine.close()


def ask(name: str, max_tokens: int = 5) -> Request[Prompt]:
    return Request(name, Prompt.of(b"hello"), max_tokens)


async def read(engine: ProcessEngine, request: Request[Prompt]) -> tuple[str, Event]:
    events = [event async for event in events_of(engine, request)]
    return "".join(e.text for e in events if isinstance(e, Delta)), events[-1]


async def until_open(engine: ProcessEngine, count: int) -> None:
    """Wait until so many requests run or wait."""
    await wait_for(lambda: engine.status().num_running + engine.status().num_waiting == count)


async def test_it_generates_and_counts(engine: ProcessEngine) -> None:
    text, last = await read(engine, ask("a"))
    assert text == STORY[:5]
    assert isinstance(last, Finish)
    assert engine.status().state == "ready"


async def test_it_knows_tokens(engine: ProcessEngine) -> None:
    tokens = await ids_of(engine, "héllo", add_special=False, parse_special=False)
    assert await engine.detokenize(tokens, special=False) == "héllo".encode()
    with pytest.raises(BadRequest, match="999 is not a token id"):
        await engine.detokenize([999], special=False)


async def test_a_constraint_is_refused_as_the_callers_mistake(engine: ProcessEngine) -> None:
    request = Request("a", Prompt.of(b"hello"), 5, constraint=Constraint("regex", "("))
    with pytest.raises(ConstraintRefused) as caught:
        await read(engine, request)
    assert caught.value.status == 400


async def test_a_prompt_that_can_not_run_is_refused(engine: ProcessEngine) -> None:
    with pytest.raises(PromptTooLong, match="5000 tokens"):
        await read(engine, Request("a", Prompt.of((1,) * 5000), 5))
    with pytest.raises(BadRequest, match="Token ids"):
        await read(engine, Request("b", Prompt.of((-1,)), 5))
    assert (await read(engine, ask("c")))[0] == STORY[:5]


async def test_leaving_the_stream_cancels(engine: ProcessEngine) -> None:
    events = events_of(engine, ask("a", 1000))
    async for event in events:
        if isinstance(event, Delta):
            break
    await events.aclose()
    assert engine.status().num_running == 0


async def test_cancelling_by_id_finishes_with_what_was_made(engine: ProcessEngine) -> None:
    text, last = "", None
    async for event in events_of(engine, ask("a", 1000)):
        if isinstance(event, Delta):
            text += event.text
            await engine.cancel("a")
        last = event
    assert isinstance(last, Finish)
    assert last.reason == "cancelled"
    assert STORY.startswith(text)


async def test_a_full_queue_says_busy_and_nobody_else_suffers(engine: ProcessEngine) -> None:
    tasks = [asyncio.create_task(read(engine, ask(name, 1000))) for name in "abc"]
    await until_open(engine, 3)
    with pytest.raises(Busy, match="limit is 3"):
        await read(engine, ask("d"))
    await asyncio.gather(*(engine.cancel(name) for name in "ab"))
    cut, other, whole = [text for text, _ in await asyncio.gather(*tasks)]
    assert STORY.startswith(cut)
    assert STORY.startswith(other)
    assert whole == STORY


async def test_a_killed_engine_comes_back(engine: ProcessEngine) -> None:
    task = asyncio.create_task(read(engine, ask("a", 1000)))
    await until_open(engine, 1)
    old = engine.pid
    os.kill(old, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    with pytest.raises(EngineRestarted, match="Send it again"):
        await task
    assert (await read(engine, ask("b")))[0] == STORY[:5]
    assert engine.pid != old
    assert engine.status().num_restarts == 1


async def test_an_engine_that_keeps_dying_waits_and_is_tried_again_when_asked(
    engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MAX_DEATHS):
        await ids_of(engine, "up", add_special=False, parse_special=False)
        psutil.Process(engine.pid).kill()
        with pytest.raises((EngineRestarted, EngineStopped)):
            await read(engine, ask("a", 1000))
    with pytest.raises(EngineStopped, match=r"(?s)SIGKILL.*The next request after"):
        await read(engine, ask("a"))
    assert engine.status().state == "stopped"
    assert "SIGKILL" in engine.status().failure
    monkeypatch.setattr(Revival, "is_due", True)
    assert (await read(engine, ask("b")))[0] == STORY[:5]


async def test_what_runs_at_the_close_ends_as_cancelled(engine: ProcessEngine) -> None:
    task = asyncio.create_task(read(engine, ask("a", 1000)))
    await until_open(engine, 1)
    process = psutil.Process(engine.pid)
    await engine.close()
    _, last = await task
    assert isinstance(last, Finish)
    assert last.reason == "cancelled"
    assert not process.is_running()
    with pytest.raises(EngineStopped):
        await read(engine, ask("b"))


@pytest.mark.parametrize("how", ["close", "drain", "kill"])
async def test_one_that_ends_while_its_memory_is_fitted_never_starts(how: str) -> None:
    asked: list[threading.Event] = []

    def fit(config: EngineConfig, ended: threading.Event) -> EngineConfig:
        asked.append(ended)
        ended.wait(30)
        return config

    engine = ProcessEngine(EngineConfig(model=""), fit=fit)
    start = asyncio.create_task(engine.start())
    await wait_for(lambda: bool(asked))
    if how == "close":
        await engine.close()
    else:
        getattr(engine, how)()
    with pytest.raises(EngineStopped):
        await asyncio.wait_for(start, 10)
    assert (asked[0].is_set(), engine.pid) == (True, 0)
    await engine.close()
    assert engine.status().state == "stopped"


async def test_a_start_that_is_cancelled_ends_what_fits_its_memory() -> None:
    asked: list[threading.Event] = []

    def fit(config: EngineConfig, ended: threading.Event) -> EngineConfig:
        asked.append(ended)
        ended.wait(30)
        return config

    engine = ProcessEngine(EngineConfig(model=""), fit=fit)
    start = asyncio.create_task(engine.start())
    await wait_for(lambda: bool(asked))
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert asked[0].wait(10)
    await engine.close()
    assert engine.pid == 0


async def test_a_load_that_fails_says_why(tmp_path: Path) -> None:
    engine = ProcessEngine(EngineConfig(model="nothing.gguf", library=str(tmp_path)))
    with pytest.raises(BundleMissing, match="coblyn build"):
        await engine.start()
    await engine.close()
    assert engine.pid == 0


@pytest.mark.parametrize("is_stopped", [False, pytest.param(True, marks=LINUX)])
async def test_the_process_ends_with_its_parent(is_stopped: bool) -> None:
    """A server that was killed leaves no engine behind."""
    code = (
        "import asyncio, sys\n"
        "from coblyn.engine.client import ProcessEngine\n"
        "from coblyn.engine.config import EngineConfig\n"
        "async def main():\n"
        "    engine = ProcessEngine(EngineConfig(model=''))\n"
        "    await engine.start()\n"
        "    print(engine.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = psutil.Process(int(await parent.stdout.readline()))
    if is_stopped:
        child.suspend()
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(child.wait, 10)


FAULTY = Path(__file__).with_name("faulty_worker.py")


@asynccontextmanager
async def faulty(
    fault: str, file: Path, monkeypatch: pytest.MonkeyPatch, **config: Any
) -> AsyncIterator[ProcessEngine]:
    """An engine whose process goes wrong while the file says "bad"."""
    command = (sys.executable, str(FAULTY), fault, str(file))
    monkeypatch.setattr(process, "COMMAND", command)
    engine = ProcessEngine(EngineConfig(model=str(file), **config))
    try:
        yield engine
    finally:
        await engine.close()


async def test_one_that_is_closed_while_it_loads_is_not_waited_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "STOP_SECONDS", 60.0)
    async with faulty("hang-load", file, monkeypatch) as engine:
        start = asyncio.create_task(engine.start())
        await wait_for(lambda: bool(engine.pid))
        process = psutil.Process(engine.pid)
        await asyncio.wait_for(engine.close(), 30)
        assert not process.is_running()
        with pytest.raises(EngineStopped, match="closed"):
            await start


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "model.gguf"
    put(file, "bad")
    return file


def put(file: Path, state: str) -> None:
    file.write_text(state)


async def test_a_load_that_kills_names_the_file_and_what_was_said(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty("abort-load", file, monkeypatch) as engine:
        with pytest.raises(ModelBroken) as caught:
            await engine.start()
    assert str(file) in caught.value.message
    assert "GGML_ASSERT(n > 0) failed" in caught.value.message


async def test_a_load_with_a_fault_of_our_own_is_no_endless_wait(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with faulty("raise-load", file, monkeypatch) as engine:
        with pytest.raises(EngineError, match="ZeroDivisionError: of our own"):
            await engine.start()


async def test_an_illegal_instruction_is_told_once_and_nobody_sends_it_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(revival_module, "_FIRST_WAIT", 3600.0)
    async with faulty("illegal-step", file, monkeypatch) as engine:
        await engine.start()
        for _ in range(3):
            with pytest.raises(EngineStopped) as caught:
                await read(engine, ask("a"))
            text = str(caught.value)
            assert "SIGILL, an illegal instruction, in libggml-cpu.so" in text
            assert "c4 e2 7b 49" in text
            assert "coblyn build --force" in text
        assert len(caplog.records) == 1
        death = engine.status().death
        assert death
        assert death.crash
        assert death.crash.library == "/a/libggml-cpu.so"
        put(file, "mended")
        assert (await read(engine, ask("b")))[0] == STORY[:5]


async def test_a_file_that_is_good_again_is_loaded_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(file, "good")
    async with faulty("abort-load", file, monkeypatch) as engine:
        await engine.start()
        put(file, "bad")
        engine.kill()
        with pytest.raises(CoblynError):
            await read(engine, ask("a", 1000))
        with pytest.raises(EngineStopped, match="GGML_ASSERT"):
            await read(engine, ask("b"))
        assert engine.status().state == "stopped"
        put(file, "good again")
        assert (await read(engine, ask("c")))[0] == STORY[:5]


async def test_a_step_that_never_ends_is_ended(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with faulty(
        "hang-step", file, monkeypatch, hang_seconds=60.0, step_seconds=1.0
    ) as engine:
        await engine.start()
        with pytest.raises(EngineRestarted, match="a single step took more than"):
            await read(engine, ask("a"))


async def test_a_step_that_takes_long_is_no_hang(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "BEAT_SECONDS", 0.1)
    async with faulty("hang-step", file, monkeypatch, hang_seconds=5.0) as engine:
        await engine.start()
        task = asyncio.create_task(read(engine, ask("a")))
        await asyncio.sleep(1.5)
        assert engine.status().state == "ready"
        assert not task.done()
        task.cancel()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process")
async def test_an_engine_that_hangs_is_told_and_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "BEAT_SECONDS", 0.1)
    engine = ProcessEngine(EngineConfig(model="", hang_seconds=8.0))
    await engine.start()
    await read(engine, ask("a"))
    old = engine.pid
    os.kill(old, signal.SIGSTOP)
    task = asyncio.create_task(read(engine, ask("b", 1000)))
    states = set()
    while not task.done():
        states.add(engine.status().state)
        await asyncio.sleep(0.01)
    assert states >= {"ready", "not responding"}
    with pytest.raises(EngineRestarted, match="did not respond for"):
        await task
    assert (await read(engine, ask("c")))[0] == STORY[:5]
    assert engine.pid != old
    await engine.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process")
async def test_a_stopped_engine_is_not_left_behind(engine: ProcessEngine) -> None:
    process = psutil.Process(engine.pid)
    process.suspend()
    await engine.close()
    assert not process.is_running()


async def test_what_waits_is_refused_at_a_drain_and_what_runs_goes_on(
    engine: ProcessEngine,
) -> None:
    running = [events_of(engine, ask(name, 1000)) for name in "ab"]
    begun = await asyncio.gather(*map(anext, running))
    waiting = asyncio.create_task(read(engine, ask("c")))
    await until_open(engine, 3)
    engine.drain()
    for late in (waiting, read(engine, ask("d"))):
        with pytest.raises(EngineStopped, match="server is stopping"):
            await late
    for first, events in zip(begun, running, strict=True):
        pieces = [first, *[event async for event in events]]
        assert "".join(each.text for each in pieces if isinstance(each, Delta)) == STORY


async def test_what_still_runs_after_a_drain_is_told(engine: ProcessEngine) -> None:
    task = asyncio.create_task(read(engine, ask("a", 1000)))
    await until_open(engine, 1)
    engine.drain()
    engine.abandon()
    with pytest.raises(EngineStopped, match="server is stopping"):
        await task


def test_a_reader_that_sleeps_holds_nobody_up_and_misses_nothing() -> None:
    """Frames that the pipe has no room for wait, in their order, while the sender goes on."""
    reader, writer_end = os.pipe()
    writer = Writer(writer_end)
    for number in range(20_000):
        writer.send(wire.Refusal(number, "busy", "x" * 50))
    frames = wire.to_client()
    numbers: list[int] = []
    while len(numbers) < 20_000:
        numbers += [frame.call for frame in frames.feed(os.read(reader, 1 << 16))]
    writer.finish()
    assert numbers == list(range(20_000))
    os.close(reader)
    os.close(writer_end)


async def test_a_prompt_of_a_process_that_has_died_is_not_known(engine: ProcessEngine) -> None:
    encoded = await engine.encode(Source((Text("hello"),)))

    async def again_of(encoded: Encoded) -> str:
        events = [event async for event in engine.generate(Request("a", encoded.id, 5))]
        return "".join(event.text for event in events if isinstance(event, Delta))

    assert await again_of(encoded) == STORY[:5]
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises((PromptForgotten, EngineRestarted)):
        await again_of(encoded)
    with pytest.raises(PromptForgotten):
        await again_of(encoded)
    again = await engine.encode(Source((Text("hello"),)))
    assert again.hashes == encoded.hashes
    assert await again_of(again) == STORY[:5]
