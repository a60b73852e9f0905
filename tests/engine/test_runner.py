"""The real engine on the starter model."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.events import Delta, Event, Finish, TokenText
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.errors import ModelBroken, ModelUnsupported
from coblyn.native.bundle import Bundle
from factories import events_of
from factories import tokens_of as ids_of

pytestmark = pytest.mark.native

STORY = "The old miner put down his lamp and listened. Far below, somebody was knocking."


@pytest.fixture(scope="module", params=[True, False], ids=["shared-cells", "own-cells"])
def config(request: pytest.FixtureRequest, bundle: Bundle, starter_model: Path) -> EngineConfig:
    return EngineConfig(
        str(starter_model),
        str(bundle.lib_dir),
        context=1024,
        max_running=8,
        shared_cells=request.param,
        kernels=False,  # they are chosen by measurements, which may change between two texts
    )


@pytest.fixture(scope="module")
def runner_engine(config: EngineConfig) -> Iterator[LocalEngine]:
    engine = LocalEngine(partial(LlamaRunner, config), max_running=config.max_running)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture
async def engine(runner_engine: LocalEngine) -> LocalEngine:
    return runner_engine


async def tokens_of(engine: LocalEngine, text: str = STORY) -> tuple[int, ...]:
    return tuple(await ids_of(engine, text, add_special=True, parse_special=True))


async def read(engine: LocalEngine, request: Request[Prompt]) -> tuple[str, Finish]:
    events: list[Event] = [event async for event in events_of(engine, request)]
    last = events[-1]
    assert isinstance(last, Finish)
    return "".join(e.text for e in events if isinstance(e, Delta)), last


async def read_tokens(engine: LocalEngine, request: Request[Prompt]) -> list[TokenText]:
    deltas = [event async for event in events_of(engine, request) if isinstance(event, Delta)]
    return [token for delta in deltas for token in delta.tokens]


def ask(name: str, tokens: tuple[int, ...], count: int = 24, **sampling: float) -> Request[Prompt]:
    return Request(name, Prompt.of(tokens), count, SamplingParams(**sampling))  # type: ignore[arg-type]


async def test_tokens_and_text_are_the_same_thing(engine: LocalEngine) -> None:
    text = "Ünïcode 漢字 🦙 and\ttabs"
    tokens = await ids_of(engine, text, add_special=False, parse_special=False)
    assert (await engine.detokenize(tokens, special=False)).decode() == text


async def test_special_tokens_are_read_only_when_asked(engine: LocalEngine) -> None:
    one = await ids_of(engine, "<|im_end|>", add_special=False, parse_special=True)
    many = await ids_of(engine, "<|im_end|>", add_special=False, parse_special=False)
    assert len(one) == 1
    assert len(many) > 1
    assert await engine.detokenize(one, special=False) == b""
    assert await engine.detokenize(one, special=True) == b"<|im_end|>"


async def test_the_same_request_twice_gives_the_same_text(engine: LocalEngine) -> None:
    """Also when the second one finds its prompt in memory and computes nothing of it."""
    tokens = await tokens_of(engine)
    first, _ = await read(engine, ask("a", tokens, 40, temperature=1.0, seed=11))
    second, finish = await read(engine, ask("b", tokens, 40, temperature=1.0, seed=11))
    assert first == second
    assert finish.stats.num_cached == len(tokens)
    other, _ = await read(engine, ask("c", tokens, 40, temperature=1.0, seed=12))
    assert other != first


async def test_a_follow_up_reads_only_what_is_new(engine: LocalEngine) -> None:
    tokens = await tokens_of(engine)
    text, _ = await read(engine, ask("a", tokens, 20, temperature=0.0))
    longer = await tokens_of(engine, STORY + text + " And then")
    _, finish = await read(engine, ask("b", longer, 4, temperature=0.0))
    assert finish.stats.num_cached >= len(tokens)


async def test_reusing_a_prefix_changes_nothing(engine: LocalEngine) -> None:
    """Greedy text after a shared prefix is the text of a fresh context."""
    tokens = await tokens_of(engine, STORY * 4)
    fresh, first = await read(engine, ask("a", tokens, 16, temperature=0.0))
    await read(engine, ask("b", (*tokens[:40], *tokens[:30]), 8, temperature=0.0))
    again, finish = await read(engine, ask("c", tokens[:-1], 1, temperature=0.0))
    assert finish.stats.num_cached == len(tokens) - 2
    reused, second = await read(engine, ask("d", tokens, 16, temperature=0.0))
    assert second.stats.num_cached >= len(tokens) - 1 > first.stats.num_cached
    assert reused == fresh
    assert again


async def test_a_retry_beside_a_running_stream(engine: LocalEngine) -> None:
    """The retry brings no token of its own into the step, and must not take the other's logits away."""
    tokens = await tokens_of(engine, "Beside the stream, " + STORY)
    expected, _ = await read(engine, ask("a", tokens, 8, temperature=0.0))
    other = (*tokens[::-1], 5)
    request = replace(ask("b", other, 120, temperature=0.0), ignore_eos=True)
    async with aclosing(events_of(engine, request)) as stream:
        while not isinstance(await anext(stream), Delta):
            pass
        retried, finish = await read(engine, ask("c", tokens, 8, temperature=0.0))
        assert engine.status().num_running == 1
        rest = [event async for event in stream]
    assert finish.stats.num_cached == len(tokens)
    assert retried[:10] == expected[:10]
    assert isinstance(rest[-1], Finish)
    assert rest[-1].stats.num_generated == 120


async def test_an_old_conversation_comes_back_from_main_memory(engine: LocalEngine) -> None:
    tokens = await tokens_of(engine, "Long ago: " + STORY * 3)
    first, _ = await read(engine, ask("a", tokens, 12, temperature=0.0))
    for index in range(4):
        other = (*tokens[::-1], index)
        await read(engine, ask(f"o{index}", other, 4, temperature=0.0))
    again, finish = await read(engine, ask("b", tokens, 12, temperature=0.0))
    assert finish.stats.num_cached == len(tokens)
    assert again == first


async def test_eight_at_once_all_finish(engine: LocalEngine) -> None:
    tokens = await tokens_of(engine)
    requests = [ask(f"r{i}", (*tokens, i + 100), 16, temperature=0.9, seed=i) for i in range(8)]
    results = await asyncio.gather(*(read(engine, request) for request in requests))
    assert all(finish.stats.num_generated >= 1 and text for text, finish in results)
    assert len({text for text, _ in results}) > 4


async def test_steps_in_a_row_change_nothing(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = await tokens_of(engine, "In a row: " + STORY)
    request = ask("a", tokens, 40, temperature=1.0, seed=5, logprobs=2)
    monkeypatch.setattr("coblyn.engine.runner.FRAME", 0.0)
    one_by_one = await read_tokens(engine, request)
    monkeypatch.setattr("coblyn.engine.runner.FRAME", 60.0)
    assert await read_tokens(engine, request) == one_by_one
    deltas = [event async for event in events_of(engine, request) if isinstance(event, Delta)]
    assert len(deltas) < len(one_by_one) / 4


async def test_what_was_computed_behind_a_stop_string_is_forgotten(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coblyn.engine.runner.FRAME", 60.0)
    tokens = await tokens_of(engine, "Taken back: " + STORY)
    whole = await read_tokens(engine, ask("a", tokens, 30, temperature=0.0))
    pieces = [token.piece.decode() for token in whole]
    stop = pieces[5]
    request = Request("b", Prompt.of(tokens), 30, SamplingParams(temperature=0.0), stop=(stop,))
    cut, finish = await read(engine, request)
    assert (cut, finish.reason) == ("".join(pieces).split(stop)[0], "stop")
    # Whoever goes on from there finds the sequence as if nothing had been computed behind it.
    count = finish.stats.num_generated
    ids = tuple(token.token for token in whole)
    longer = (*tokens, *ids[:count])
    again = await read_tokens(engine, ask("c", longer, 10, temperature=0.0))
    assert tuple(token.token for token in again) == ids[count : count + 10]


async def test_log_probabilities(engine: LocalEngine) -> None:
    tokens = await tokens_of(engine)
    for token in await read_tokens(engine, ask("a", tokens, 8, temperature=0.0, logprobs=3)):
        assert token.top[0].token == token.token
        assert token.logprob == token.top[0].logprob
        assert 0 >= token.top[0].logprob >= token.top[1].logprob >= token.top[2].logprob


async def test_the_end_can_be_banned(engine: LocalEngine) -> None:
    tokens = await tokens_of(
        engine, "<|im_start|>user\nSay yes.<|im_end|>\n<|im_start|>assistant\nYes."
    )
    _, ends = await read(engine, Request("a", Prompt.of(tokens), 30, SamplingParams(temperature=0)))
    _, goes_on = await read(
        engine, Request("b", Prompt.of(tokens), 30, SamplingParams(temperature=0), ban_eos=True)
    )
    assert ends.reason == "eos"
    assert goes_on.reason == "length"


async def test_forbidding_everything_is_the_callers_mistake(engine: LocalEngine) -> None:
    from coblyn.errors import BadRequest

    size = engine.info.vocab_size
    everything = tuple((token, float("-inf")) for token in range(size))
    request = Request(
        "a", Prompt.of(await tokens_of(engine)), 4, SamplingParams(logit_bias=everything)
    )
    with pytest.raises(BadRequest, match="token is left"):
        await read(engine, request)
    assert (await read(engine, ask("b", await tokens_of(engine))))[0]


async def test_a_model_of_broken_numbers_is_not_the_callers_mistake(
    config: EngineConfig, tmp_path: Path
) -> None:
    path = tmp_path / "broken.gguf"
    shutil.copyfile(config.model, path)
    with path.open("r+b") as file:  # all bits set is NaN in single and in half precision
        file.seek(-(1 << 20), os.SEEK_END)
        file.write(b"\xff" * (1 << 20))
    engine = LocalEngine(partial(LlamaRunner, replace(config, model=str(path))))
    try:
        for logprobs in (None, 2):
            with pytest.raises(ModelBroken, match="computes NaN"):
                await read(engine, ask("a", (1, 2, 3), temperature=0.7, logprobs=logprobs))
        assert engine.status().state == "ready"
    finally:
        await engine.close()


def test_a_file_that_is_no_model(config: EngineConfig, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"this is not a model")
    with pytest.raises(ModelBroken, match=r"bad\.gguf"):
        LlamaRunner(EngineConfig(str(path), config.library))


def test_a_model_that_is_cut_short(config: EngineConfig, tmp_path: Path) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(Path(config.model).read_bytes()[: 50 << 20])
    with pytest.raises(ModelBroken, match=r"short\.gguf"):
        LlamaRunner(EngineConfig(str(path), config.library))


def test_an_architecture_that_is_unknown(config: EngineConfig, tmp_path: Path) -> None:
    path = tmp_path / "strange.gguf"
    data = Path(config.model).read_bytes()
    at = data.index(b"llama", data.index(b"general.architecture"))
    path.write_bytes(data[:at] + b"lxama" + data[at + 5 :])
    with pytest.raises(ModelUnsupported, match="'lxama'"):
        LlamaRunner(EngineConfig(str(path), config.library))


LOAD_AND_FREE = """
import gc, json, os, sys
from pathlib import Path
import psutil
from coblyn.llama.context import Context, ContextOptions
from coblyn.llama.library import open_library
from coblyn.llama.model import Model

library, sizes = open_library(Path(sys.argv[1])), []
for _ in range(50):
    with Model(library, Path(sys.argv[2])) as model, Context(model, ContextOptions(256, 64, 4, 1)) as context:
        assert context.num_cells == 256
    gc.collect()
    sizes.append(psutil.Process(os.getpid()).memory_info().rss)
print(json.dumps(sizes))
"""


def test_loading_and_freeing_fifty_times_keeps_memory_flat(
    bundle: Bundle, starter_model: Path
) -> None:
    # In a process of its own: beside it, engines of other tests map and measure their models.
    command = [sys.executable, "-c", LOAD_AND_FREE, str(bundle.lib_dir), str(starter_model)]
    sizes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    # The first rounds fill allocators and caches; after that a leak of 1 % of the model per round would show.
    assert sizes[-1] - sizes[9] < 40 * starter_model.stat().st_size // 100


def test_an_engine_at_rest_uses_no_processor(runner_engine: LocalEngine) -> None:
    process = psutil.Process(os.getpid())
    threading.Event().wait(0.5)
    before = sum(process.cpu_times()[:2])
    threading.Event().wait(1.0)
    assert sum(process.cpu_times()[:2]) - before < 0.1


def test_a_chat_template_that_is_set_counts_in_place_of_the_models_own(
    config: EngineConfig, tmp_path: Path
) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    engine = LocalEngine(
        partial(LlamaRunner, replace(config, chat_template=str(file))), max_running=1
    )
    assert engine.info.chat_template == file.read_text()
    asyncio.run(engine.close())
