"""The engine in its own process, with the scripted runner: real processes, real signals, no model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from coblyn.engine import client as client_module
from coblyn.engine import wire
from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.events import Delta, Event, Finish
from coblyn.engine.fake import STORY
from coblyn.engine.request import Request
from coblyn.engine.worker import Writer
from coblyn.errors import (
    BadRequest,
    BundleMissing,
    Busy,
    EngineRestarted,
    EngineStopped,
    PromptTooLong,
)


@pytest.fixture
async def engine() -> AsyncIterator[ProcessEngine]:
    engine = ProcessEngine(EngineConfig(model="", max_running=2, max_waiting=1))
    await engine.start()
    yield engine
    await engine.close()


def ask(name: str, max_tokens: int = 5) -> Request:
    return Request(name, tuple(b"hello"), max_tokens)


async def read(engine: ProcessEngine, request: Request) -> tuple[str, Event]:
    events = [event async for event in engine.generate(request)]
    return "".join(e.text for e in events if isinstance(e, Delta)), events[-1]


async def test_it_generates_and_counts(engine: ProcessEngine) -> None:
    text, last = await read(engine, ask("a"))
    assert text == STORY[:5]
    assert isinstance(last, Finish)
    assert engine.status().state == "ready"


async def test_it_knows_tokens(engine: ProcessEngine) -> None:
    tokens = await engine.tokenize("héllo", add_special=False, parse_special=False)
    assert await engine.detokenize(tokens, special=False) == "héllo".encode()
    with pytest.raises(BadRequest, match="999 is no token id"):
        await engine.detokenize([999], special=False)


async def test_a_prompt_that_can_not_run_is_refused(engine: ProcessEngine) -> None:
    with pytest.raises(PromptTooLong, match="5000 tokens"):
        await read(engine, Request("a", (1,) * 5000, 5))
    with pytest.raises(BadRequest, match="Token ids"):
        await read(engine, Request("b", (-1,), 5))
    assert (await read(engine, ask("c")))[0] == STORY[:5]


async def test_leaving_the_stream_cancels(engine: ProcessEngine) -> None:
    events = engine.generate(ask("a", 1000))
    async for event in events:
        if isinstance(event, Delta):
            break
    await events.aclose()
    assert engine.status().num_running == 0


async def test_cancelling_by_id_finishes_with_what_was_made(engine: ProcessEngine) -> None:
    text, last = "", None
    async for event in engine.generate(ask("a", 1000)):
        if isinstance(event, Delta):
            text += event.text
            await engine.cancel("a")
        last = event
    assert isinstance(last, Finish)
    assert last.reason == "cancelled"
    assert STORY.startswith(text)


async def test_a_full_queue_says_busy_and_nobody_else_suffers(engine: ProcessEngine) -> None:
    tasks = [asyncio.create_task(read(engine, ask(name, 30))) for name in "abc"]
    await asyncio.sleep(0.05)
    with pytest.raises(Busy, match="limit is 3"):
        await read(engine, ask("d"))
    assert [text for text, _ in await asyncio.gather(*tasks)] == [STORY[:30]] * 3


async def test_a_killed_engine_comes_back(engine: ProcessEngine) -> None:
    task = asyncio.create_task(read(engine, ask("a", 1000)))
    await asyncio.sleep(0.2)
    old = engine.pid
    os.kill(old, signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    with pytest.raises(EngineRestarted, match="Send it again"):
        await task
    assert (await read(engine, ask("b")))[0] == STORY[:5]
    assert engine.pid != old
    assert engine.status().num_restarts == 1


async def test_an_engine_that_keeps_dying_is_left_dead(
    engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(client_module.MAX_DEATHS):
        await engine.tokenize("up", add_special=False, parse_special=False)
        psutil.Process(engine.pid).kill()
        with pytest.raises((EngineRestarted, EngineStopped)):
            await read(engine, ask("a", 1000))
    with pytest.raises(EngineStopped, match="died too often"):
        await read(engine, ask("a"))
    assert engine.status().state == "stopped"


async def test_what_runs_at_the_close_ends_as_cancelled(engine: ProcessEngine) -> None:
    task = asyncio.create_task(read(engine, ask("a", 1000)))
    await asyncio.sleep(0.2)
    process = psutil.Process(engine.pid)
    await engine.close()
    _, last = await task
    assert isinstance(last, Finish)
    assert last.reason == "cancelled"
    assert not process.is_running()
    with pytest.raises(EngineStopped):
        await read(engine, ask("b"))


async def test_a_load_that_fails_says_why(tmp_path: Path) -> None:
    engine = ProcessEngine(EngineConfig(model="nothing.gguf", library=str(tmp_path)))
    with pytest.raises(BundleMissing, match="coblyn build"):
        await engine.start()
    await engine.close()
    assert engine.pid == 0


async def test_the_process_ends_with_its_parent() -> None:
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
    import sys

    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(child.wait, 10)


def test_a_reader_that_sleeps_holds_nobody_up_and_misses_nothing() -> None:
    """Frames that the pipe has no room for wait, in their order, while the sender goes on."""
    reader, writer_end = os.pipe()
    writer = Writer(writer_end)
    for number in range(20_000):
        writer.send("frame", number, "x" * 50)
    unpacker = wire.new_unpacker()
    numbers: list[int] = []
    while len(numbers) < 20_000:
        unpacker.feed(os.read(reader, 1 << 16))
        numbers += [frame[1] for frame in unpacker]
    writer.finish()
    assert numbers == list(range(20_000))
    os.close(reader)
    os.close(writer_end)
