"""What was computed for a text, saved and brought back: in memory and in files, by scripted and real engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Finish
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Namespace
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.engine.state import StateOrder, read_state
from coblyn.engine.window import Window
from coblyn.errors import BadRequest, NotFound, SettingsError
from coblyn.native.bundle import Bundle
from gguf_file import random_model, windowed_model

PROMPT = "The old miner put down his lamp, and listened for the knocks. " * 3


def fake(**changes: object) -> LocalEngine:
    options: dict[str, object] = {"shelf_tokens": 4000} | changes
    return LocalEngine(lambda: FakeRunner(**options), max_running=2)  # type: ignore[arg-type]


async def write(engine: LocalEngine, name: str, prompt: str = PROMPT) -> tuple[str, int]:
    """What follows a prompt, and how many of its tokens were in memory."""
    encoded = await engine.encode(Source((Text(prompt),)))
    text = ""
    sampling = SamplingParams(temperature=0)
    async for event in engine.generate(Request(name, encoded.id, 12, sampling, ignore_eos=True)):
        if isinstance(event, Delta):
            text += event.text
        if isinstance(event, Finish):
            return text, event.stats.num_cached
    raise AssertionError("it has an end")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shares_cells": False},
        {"window": Window(16, min_stride=8)},
        {"window": Window(16, min_stride=8), "shares_cells": False},
        {"is_rewindable": False},
    ],
)
async def test_a_text_comes_back_in_another_engine(
    options: dict[str, object], tmp_path: Path
) -> None:
    path = str(tmp_path / "state")
    engine = fake(**options)
    text, _ = await write(engine, "a")
    saved = await engine.handle_state(StateOrder("save", path=path))
    assert saved.size == len(Path(path).read_bytes())  # noqa: ASYNC240 - a test
    longer = PROMPT + text[:-1] + " And then?"
    expected = await write(engine, "b", longer)
    await engine.close()
    other = fake(**options)
    loaded = await other.handle_state(StateOrder("load", path=path))
    assert (loaded.tokens, loaded.size) == (saved.tokens, saved.size)
    assert await write(other, "c", longer) == expected
    assert expected[1] == saved.tokens
    await other.close()


async def test_slots_in_memory() -> None:
    engine = fake()
    assert (await engine.handle_state(StateOrder("look"))).tokens == 0
    with pytest.raises(NotFound, match="no text"):
        await engine.handle_state(StateOrder("save", slot=1))
    with pytest.raises(NotFound, match="Slot 1 is empty"):
        await engine.handle_state(StateOrder("load", slot=1))
    await write(engine, "a")
    saved = await engine.handle_state(StateOrder("save", slot=1))
    assert saved.slots == ((1, saved.tokens, saved.size),)
    await write(engine, "b", "Something else. " * 10)
    assert (await engine.handle_state(StateOrder("save", slot=4, rank=1))).tokens == saved.tokens
    erased = await engine.handle_state(StateOrder("erase", rank=1))
    assert erased.tokens == saved.tokens
    assert (await write(engine, "c"))[1] == 0
    assert (await engine.handle_state(StateOrder("erase"))).tokens == saved.tokens
    assert (await engine.handle_state(StateOrder("load", slot=4))).tokens == saved.tokens
    assert (await write(engine, "d"))[1] > 0
    assert (await engine.handle_state(StateOrder("clear"))).slots == ()
    assert (await engine.handle_state(StateOrder("look"))).slots == ()
    await engine.close()


async def test_slots_and_the_shelf_are_bounded(tmp_path: Path) -> None:
    engine = LocalEngine(lambda: FakeRunner(shelf_tokens=4000), max_running=2, state_bytes=120)
    await write(engine, "a", "short")
    await engine.handle_state(StateOrder("save", slot=0))
    await write(engine, "b")
    with pytest.raises(SettingsError, match="no room"):
        await engine.handle_state(StateOrder("save", slot=1))
    path = str(tmp_path / "state")
    await engine.handle_state(StateOrder("save", path=path))
    await engine.close()
    small = fake(shelf_tokens=50)
    with pytest.raises(SettingsError, match="more than the cache memory holds"):
        await small.handle_state(StateOrder("load", path=path))
    assert (await write(small, "c", "still here"))[0]
    await small.close()
    none = fake(shelf_tokens=0)
    await write(none, "d")
    with pytest.raises(NotFound, match="cache_memory"):
        await none.handle_state(StateOrder("save"))
    await none.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-1], "is damaged"),
        (lambda data: data + b"x", "is damaged"),
        (lambda data: data[:-5] + b"x" + data[-4:], "is damaged"),
        (lambda data: data[:40], "cannot be read"),
        (lambda data: b"coblyn state 0\n" + data[15:], "not a state of this version"),
        (lambda _: b"", "not a state of this version"),
    ],
)
async def test_what_is_not_whole_is_refused(
    change: Callable[[bytes], bytes], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "state"
    engine = fake()
    await write(engine, "a")
    await engine.handle_state(StateOrder("save", path=str(path)))
    assert read_state(path).tokens > 0
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadRequest, match=words):
        await engine.handle_state(StateOrder("load", path=str(path)))
    with pytest.raises(NotFound, match="no state other"):
        await engine.handle_state(StateOrder("load", path=str(tmp_path / "other")))
    assert [each.name for each in tmp_path.iterdir()] == ["state"]  # noqa: ASYNC240 - a test
    await engine.close()


async def test_states_of_another_model_or_shape_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    engine = fake(namespace=Namespace((("model", "one"),)))
    await write(engine, "a")
    await engine.handle_state(StateOrder("save", path=path))
    await engine.close()
    for options, words in (
        (
            {"namespace": Namespace((("model", "two"),))},
            "saved with model 'one', and here it is 'two'",
        ),
        (
            {"namespace": Namespace((("model", "one"),)), "max_sequences": 8},
            "a different number of requests",
        ),
    ):
        other = fake(**options)
        with pytest.raises(BadRequest, match=words):
            await other.handle_state(StateOrder("load", path=path))
        await other.close()


@pytest.mark.native
@pytest.mark.parametrize("shared_cells", [True, False])
@pytest.mark.parametrize("is_windowed", [True, False])
async def test_a_real_engine_goes_on_from_a_file(
    bundle: Bundle, tmp_path: Path, shared_cells: bool, is_windowed: bool
) -> None:
    writer = windowed_model(16) if is_windowed else random_model()
    model = writer.write(tmp_path / "model.gguf")
    config = EngineConfig(
        str(model), str(bundle.lib_dir), context=512, max_running=2, shared_cells=shared_cells
    )
    path = str(tmp_path / "state")
    first = LocalEngine(partial(LlamaRunner, config), max_running=2)
    text, _ = await write(first, "a")
    saved = await first.handle_state(StateOrder("save", path=path))
    longer = PROMPT + text[: len(text) // 2] + " And then?"
    expected, cached = await write(first, "b", longer)
    await first.close()
    second = LocalEngine(partial(LlamaRunner, config), max_running=2)
    assert (await second.handle_state(StateOrder("load", path=path))).tokens == saved.tokens
    length = (await second.encode(Source((Text(PROMPT),)))).num_tokens
    assert await write(second, "d") == (text, length)  # the logits behind the prompt are there, too
    text, reused = await write(second, "e", longer)
    assert text == expected
    assert reused >= cached > 100
    await asyncio.gather(*(write(second, str(n), f"{n} {PROMPT}") for n in range(4)))
    await second.close()
