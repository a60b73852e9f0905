"""A model with a sliding window gives the numbers of a fresh engine, whatever was computed before.

The library leaves what the window masks, counted from the end of a sequence, out of every saved copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.content import Content
from coblyn.engine.events import Delta, Finish, TokenText
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import Copy, Discard, Plan, Remove, Restore, Row, Sampled, Save
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.engine.shelf import reach
from coblyn.engine.window import Window
from coblyn.native.bundle import Bundle
from factories import events_of
from gguf_file import windowed_model

WINDOW, VOCABULARY = 64, 600

TOLERANCE = 0.05
"""In log-probabilities: the shape of batches changes them by 0.012 at most, and with holes in its window the model says
something else altogether."""

GREEDY = SamplingParams(temperature=0.0, logprobs=10)
NUM_TOKENS = 4


def test_what_a_window_needs_and_what_a_copy_has() -> None:
    window = Window(4)
    assert [window.needed(length) for length in (0, 3, 4, 10)] == [0, 0, 1, 7]
    assert [window.saved(length) for length in (0, 4, 5, 10)] == [0, 0, 1, 6]
    chunked = Window(4, is_chunked=True)
    assert [chunked.needed(length) for length in (3, 4, 7, 8)] == [0, 4, 4, 8]
    assert [chunked.saved(length) for length in (3, 4, 5, 8, 9)] == [0, 0, 4, 4, 8]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_copy_serves_its_whole_length_and_one_token_less(is_chunked: bool) -> None:
    window = Window(4, is_chunked=is_chunked)
    for end in range(1, 30):
        content, start = Content.of(Prompt.of(range(end))), window.saved(end)
        assert reach(content, end, start, end, window) == end
        assert reach(content, end, start, end - 1, window) == end - 1
        if not is_chunked and end > 5:
            assert reach(content, end, start, end - 2, window) == 0


@pytest.fixture(scope="module", params=[True, False], ids=["shared-cells", "own-cells"])
def config(
    request: pytest.FixtureRequest, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> EngineConfig:
    path = tmp_path_factory.mktemp("windowed") / "windowed.gguf"
    windowed_model(WINDOW, vocabulary=VOCABULARY).write(path)
    return EngineConfig(
        str(path),
        str(bundle.lib_dir),
        context=1024,
        max_running=3,
        num_idle=3,
        shared_cells=request.param,
    )


@pytest.fixture(scope="module")
def fresh_runner(config: EngineConfig) -> Iterator[LlamaRunner]:
    runner = LlamaRunner(config)
    yield runner
    runner.close()


@asynccontextmanager
async def engine_of(config: EngineConfig) -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(partial(LlamaRunner, config), max_running=config.max_running)
    try:
        yield engine
    finally:
        await engine.close()


def fresh(runner: LlamaRunner, tokens: Sequence[int]) -> list[Sampled]:
    """What an empty context gives for a prompt."""
    request = Request("fresh", Prompt.of(tokens), NUM_TOKENS, GREEDY)
    runner.open(runner.prepare(request))
    runner.run(Plan((Remove(0, 0),), ()))
    drawn: list[Sampled] = []
    pending, position = list(tokens), 0
    while len(drawn) < NUM_TOKENS:
        chunk, pending = pending[: runner.max_batch], pending[runner.max_batch :]
        row = Row("fresh", 0, position, chunk, max_drawn=int(not pending))
        position += len(chunk)
        for (sampled,) in runner.run(Plan((), (row,))):
            drawn.append(sampled)
            pending = [sampled.token]
    runner.forget("fresh")
    return drawn


async def ask(
    engine: LocalEngine,
    tokens: Sequence[int],
    count: int = NUM_TOKENS,
    begun: asyncio.Event | None = None,
) -> tuple[list[TokenText], Finish]:
    request = Request(f"{id(tokens)}-{count}", Prompt.of(tokens), count, GREEDY, ignore_eos=True)
    answer: list[TokenText] = []
    async for event in events_of(engine, request):
        if isinstance(event, Delta):
            answer += event.tokens
            if begun:
                begun.set()
        last = event
    assert isinstance(last, Finish)
    return answer, last


def assert_alike(answer: list[TokenText], expected: list[Sampled]) -> None:
    for token, sampled in zip(answer, expected, strict=False):
        tops = {other.token: other.logprob for other in token.top}
        right = dict(sampled.top)
        common = tops.keys() & right.keys()
        assert len(common) >= 7
        assert max(abs(tops[key] - right[key]) for key in common) < TOLERANCE
        if token.token != sampled.token:
            break  # two that were about as likely


def story(length: int, start: int = 0) -> list[int]:
    """Tokens of words, in an order that never repeats."""
    words = VOCABULARY - 259
    return [
        1,
        *(259 + (start + index * index * 31 + index * 7) % words for index in range(length - 1)),
    ]


def read(runner: LlamaRunner, sequence: int, tokens: Sequence[int]) -> None:
    """Compute a prompt in a sequence that is emptied first."""
    runner.run(Plan((Remove(sequence, 0),), ()))
    for start in range(0, len(tokens), runner.max_batch):
        chunk = tokens[start : start + runner.max_batch]
        runner.run(Plan((), (Row("", sequence, start, chunk),)))


@pytest.mark.native
def test_what_comes_back_is_what_was_there_to_the_last_bit(fresh_runner: LlamaRunner) -> None:
    """Windows at marks, and copies, against a sequence that was only read and cut."""
    runner, context = fresh_runner, fresh_runner._context
    text, lengths = story(400), (400, 300, 128)
    right = {}
    for length in lengths:
        read(runner, 0, text)
        runner.run(Plan((Remove(0, length),), ()))
        right[length] = context.save(0)

    read(runner, 0, text)
    runner.run(Plan((Save(0, 1, keep=300, marks=(300, 128)),), ()))
    assert np.array_equal(context.save(0), right[300])
    for length in lengths:
        runner.run(Plan((Remove(0, 0), Restore(1, 0, length)), ()))
        assert np.array_equal(context.save(0), right[length])

    for length in lengths:
        read(runner, 0, text)
        runner.run(Plan((Copy(0, 1, length),), ()))
        copied = context.save(1)
        assert np.array_equal(context.save(0), right[400])  # the source goes on
        runner.run(Plan((Remove(0, 0), Remove(1, 0)), ()))
        context.restore(copied, 0)
        assert np.array_equal(context.save(0), right[length])
    runner.run(Plan((Remove(0, 0), Discard(1)), ()))


@pytest.mark.native
async def test_a_retry_an_edit_and_a_shorter_prompt(
    config: EngineConfig, fresh_runner: LlamaRunner
) -> None:
    """Each with something else in between, so that the story comes back from main memory, and then without."""
    text, other = story(900), story(600, 5)
    edit, shorter = [*text[:760], 421, 317], text[:700]
    async with engine_of(config) as engine:
        written, _ = await ask(engine, text, 60)
        await ask(engine, other, 1)
        for prompt, most_anew in ((text, 0), (edit, 512), (shorter, 512)):
            answer, finish = await ask(engine, prompt)
            assert finish.stats.num_cached >= len(prompt) - most_anew - 4
            assert_alike(answer, fresh(fresh_runner, prompt))
            await ask(engine, other, 1)
        follow_up = [*text, *(token.token for token in written), 421, 317]
        answer, _ = await ask(engine, follow_up)
        assert_alike(answer, fresh(fresh_runner, follow_up))
        for prompt in (edit, shorter):
            answer, _ = await ask(engine, prompt)
            assert_alike(answer, fresh(fresh_runner, prompt))


@pytest.mark.native
async def test_a_prefix_beside_a_running_stream_and_who_gives_way(
    config: EngineConfig, fresh_runner: LlamaRunner
) -> None:
    text = story(800)
    beside = [*text[:650], 421, 317]
    async with engine_of(config) as engine:
        begun = asyncio.Event()
        stream = asyncio.create_task(ask(engine, text, 200, begun))
        await begun.wait()
        answer, finish = await ask(engine, beside)
        assert not stream.done()
        assert finish.stats.num_cached >= 640
        assert_alike(answer, fresh(fresh_runner, beside))
        assert_alike((await stream)[0], fresh(fresh_runner, text))
    crowded = replace(config, shared_cells=True, num_idle=1)
    async with engine_of(crowded) as engine:
        prompts = [story(500, start) for start in (0, 1, 2)]
        answers = await asyncio.gather(*(ask(engine, prompt, 40) for prompt in prompts))
        for prompt, (answer, _) in zip(prompts, answers, strict=True):
            assert_alike(answer, fresh(fresh_runner, prompt))
