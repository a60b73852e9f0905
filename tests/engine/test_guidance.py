"""Guidance by a negative prompt: a second sequence beside the first, and what is drawn of both."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from ctypes import c_void_p
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.engine import sampling
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.encoder import Encoder
from coblyn.engine.events import Delta, Finish, TokenText
from coblyn.engine.fake import FakeRunner
from coblyn.engine.insight import Insight
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import Plan
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.errors import BadRequest, PromptTooLong
from coblyn.llama.library import open_library
from coblyn.native.bundle import Bundle
from engine.machine import SCRIPT, Machine
from factories import events_of, tokens_of

AWAY = SamplingParams(guidance_scale=1.5)


def add(machine: Machine, name: str, prompt: str, negative: str, num_tokens: int = 10) -> None:
    machine.add(name, prompt, num_tokens, sampling=AWAY, negative=Prompt.of(negative.encode()))


def num_read(plans: list[Plan]) -> int:
    return sum(plan.num_tokens for plan in plans)


def test_both_sequences_hold_the_text() -> None:
    machine = Machine()
    add(machine, "a", "x" * 30, "y" * 50)
    machine.run()
    assert machine.text("a") == SCRIPT[:10]
    held = [bytes(tokens) for tokens in machine.runner.held.values()]
    assert held == [b"x" * 30 + SCRIPT[:9].encode(), b"y" * 50 + SCRIPT[:9].encode()]


def test_a_scale_of_one_costs_nothing() -> None:
    encoder = Encoder.of(FakeRunner())
    prompt, negative = (encoder.encode(Source((Text(text),))).id for text in ("x", "y"))
    assert encoder.look_up(Request("a", prompt, 5, AWAY, negative=negative)).negative
    assert encoder.look_up(Request("b", prompt, 5, negative=negative)).negative is None


def test_the_negative_prompt_is_read_once() -> None:
    machine = Machine()
    add(machine, "a", "x" * 30, "y" * 50)
    machine.run()
    plans = len(machine.runner.history)
    add(machine, "b", "x" * 30, "y" * 50)
    machine.run()
    # The first token is drawn from what was kept of both prompts.
    assert num_read(machine.runner.history[plans:]) == 2 * 9
    assert machine.text("b") == SCRIPT[:10]


def test_takes_share_both_prompts() -> None:
    machine = Machine(max_running=4)
    for name in "abcd":
        add(machine, name, "x" * 100, "y" * 200)
    machine.run()
    assert num_read(machine.runner.history) == 100 + 200 + 4 * 2 * 9


def test_two_sequences_or_none() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, max_sequences=3))
    for name in "abc":
        add(machine, name, name * 30, "y" * 50)
    machine.step()
    assert machine.scheduler.num_running == 1
    machine.run()
    assert [machine.text(name) for name in "abc"] == [SCRIPT[:10]] * 3


def test_a_text_ends_where_both_fill_the_cells() -> None:
    runner = FakeRunner(script=SCRIPT, repeats=True, context=100, num_cells=100)
    machine = Machine(runner)
    add(machine, "a", "x" * 20, "y" * 40, 90)
    machine.run()
    assert machine.finish("a").reason == "length"
    assert machine.text("a") == SCRIPT[:20]


def test_steps_in_a_row_go_on_with_both() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, most_steps=8))
    add(machine, "a", "x", "y" * 20, 20)
    machine.add("b", "plain", 12)
    machine.run()
    assert (machine.text("a"), machine.text("b")) == (SCRIPT[:20], SCRIPT[:12])
    assert max(row.max_drawn for plan in machine.runner.history for row in plan.rows) > 8


@pytest.mark.parametrize("is_rewindable", [True, False])
def test_banned_phrases_are_taken_back_in_both(is_rewindable: bool) -> None:
    runner = FakeRunner(script=SCRIPT, most_steps=4, is_rewindable=is_rewindable)
    machine = Machine(runner)
    negative = Prompt.of(b"y" * 20)
    machine.add("a", "x" * 20, 20, sampling=AWAY, negative=negative, banned_phrases=("cde",))
    machine.run()
    assert machine.text("a").startswith("abadefghij")
    assert len(machine.text("a")) == 20


def test_who_is_cancelled_leaves_both_sequences() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, max_sequences=2))
    add(machine, "a", "x" * 30, "y" * 600, 500)
    machine.step()
    machine.cancel("a")
    add(machine, "b", "z" * 30, "y" * 50)
    machine.run()
    assert machine.text("b") == SCRIPT[:10]


def refused(error: type[Exception], runner: FakeRunner, prompt: bytes, negative: bytes) -> str:
    engine = LocalEngine(lambda: runner, max_running=runner.max_running)
    request = Request("a", Prompt.of(prompt), 5, AWAY, negative=Prompt.of(negative))
    try:
        with pytest.raises(error) as caught:
            asyncio.run(read(engine, request))
        return str(caught.value)
    finally:
        asyncio.run(engine.close())


def test_what_has_no_room_is_refused() -> None:
    runner = FakeRunner(context=100, num_cells=100)
    assert "negative prompt has 60" in refused(PromptTooLong, runner, b"x" * 50, b"y" * 60)
    assert "only one" in refused(BadRequest, FakeRunner(max_sequences=1), b"x", b"y")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    scale=st.sampled_from([-3.0, 0.0, 0.5, 1.5, 7.5, 1e30, -1e30]),
    spread=st.sampled_from([0.0, 1.0, 30.0, 1e30]),
    size=st.sampled_from([1, 7, 32, 1000]),
)
def test_what_is_guided_stays_a_number(seed: int, scale: float, spread: float, size: int) -> None:
    logits, negative = _rows(seed, spread, size)
    mixed = sampling.guide(logits, negative, scale)
    assert not np.isnan(mixed).any()
    assert np.array_equal(np.isfinite(mixed), np.isfinite(logits))
    assert np.allclose(sampling.guide(logits, logits, scale), logits)
    if scale == 0 and spread < 1e30:
        known = np.isfinite(logits) & np.isfinite(negative)
        assert np.allclose(mixed[known], negative[known])


def _rows(seed: int, spread: float, size: int) -> tuple[sampling.Logits, sampling.Logits]:
    rng = np.random.default_rng(seed)
    rows = np.clip(rng.normal(0, 1, (2, size)) * spread, -1e30, 1e30)
    rows[rng.random((2, size)) < 0.1] = -np.inf
    return rows[0].astype(np.float32).astype(float), rows[1].astype(np.float32).astype(float)


@pytest.mark.native
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    scale=st.sampled_from([-3.0, 0.0, 0.5, 1.5, 7.5, 1e30]),
    spread=st.sampled_from([0.0, 1.0, 30.0, 1e30]),
    size=st.sampled_from([1, 7, 32, 1000]),
    wrong=st.sampled_from([None, None, None, np.nan, np.inf]),
    is_negative=st.booleans(),
)
def test_the_shim_guides_as_it_is_written(
    bundle: Bundle,
    seed: int,
    scale: float,
    spread: float,
    size: int,
    wrong: float | None,
    is_negative: bool,
) -> None:
    logits, negative = _rows(seed, spread, size)
    if wrong is not None:
        (negative if is_negative else logits)[0] = wrong
    told, away = logits.astype(np.float32), negative.astype(np.float32)
    library = open_library(bundle.lib_dir)
    library.coblyn_guide(c_void_p(told.ctypes.data), c_void_p(away.ctypes.data), scale, size)
    expected = sampling.guide(logits, negative, scale)
    finite = np.isfinite(expected)
    assert np.array_equal(told[~finite], expected[~finite].astype(np.float32), equal_nan=True)
    reach = 1e-6 * (1 + abs(scale)) * (np.abs(logits) + np.abs(negative))[finite]
    assert np.all(np.abs(told[finite] - expected[finite]) <= reach + 1e-6)


STORY = "The old miner put down his lamp and listened."
OTHER = "Yesterday, the stock market in Frankfurt closed"


@pytest.fixture(scope="module", params=[True, False], ids=["shared-cells", "own-cells"])
def config(request: pytest.FixtureRequest, bundle: Bundle, starter_model: Path) -> EngineConfig:
    return EngineConfig(
        str(starter_model),
        str(bundle.lib_dir),
        context=512,
        max_running=6,
        shared_cells=request.param,
        kernels=False,  # so that numbers do not depend on what else is in a batch
    )


@pytest.fixture(scope="module")
def real(config: EngineConfig) -> Iterator[LocalEngine]:
    engine = LocalEngine(partial(LlamaRunner, config), max_running=config.max_running)
    yield engine
    asyncio.run(engine.close())


async def read_tokens(engine: LocalEngine, request: Request[Prompt]) -> list[TokenText]:
    deltas = [event async for event in events_of(engine, request) if isinstance(event, Delta)]
    return [token for delta in deltas for token in delta.tokens]


async def read(engine: LocalEngine, request: Request[Prompt]) -> str:
    events = [event async for event in events_of(engine, request)]
    assert isinstance(events[-1], Finish)
    return "".join(event.text for event in events if isinstance(event, Delta))


async def prompts(engine: LocalEngine) -> tuple[Prompt, Prompt]:
    story, other = [
        await tokens_of(engine, text, add_special=True, parse_special=True)
        for text in (STORY, OTHER)
    ]
    return Prompt.of(story), Prompt.of(other)


def greedy(scale: float = 1.0) -> SamplingParams:
    return SamplingParams(temperature=0, guidance_scale=scale)


@pytest.mark.native
async def test_each_token_is_as_likely_as_both_texts_make_it(
    real: LocalEngine, config: EngineConfig
) -> None:
    story, other = await prompts(real)
    params = SamplingParams(temperature=0, guidance_scale=2.0, logprobs=1)
    request = Request("g", story, 4, params, negative=other)
    guided, _ = await asyncio.gather(
        read_tokens(real, request), read(real, Request("p", other, 12, greedy()))
    )
    with Insight(config) as insight:
        text = ""
        for token in guided:
            *_, view, last = insight.look(STORY + text, params, 1, negative=OTHER + text)
            assert view.name == "guidance"
            assert last.candidates[0].token == token.token
            assert token.logprob is not None
            assert view.candidates[0].probability == pytest.approx(
                math.exp(token.logprob), rel=0.01
            )
            text += token.piece.decode()


@pytest.mark.native
async def test_the_ends_of_the_scale_are_the_prompts_themselves(real: LocalEngine) -> None:
    story, other = await prompts(real)
    plain, away, same, none = await asyncio.gather(
        read(real, Request("p", story, 6, greedy())),
        read(real, Request("o", other, 6, greedy())),
        read(real, Request("s", story, 6, greedy(1.5), negative=story)),
        read(real, Request("n", story, 6, greedy(0.0), negative=other)),
    )
    assert plain != away
    assert same == plain
    assert none == away


@pytest.mark.native
async def test_guidance_changes_the_text_and_follows_a_constraint(real: LocalEngine) -> None:
    story, other = await prompts(real)
    number = Constraint("regex", "[0-9]{3} [a-z]{4,8} and [a-z]{3}")
    plain, guided, bound = await asyncio.gather(
        read(real, Request("p", story, 24, greedy())),
        read(real, Request("g", story, 24, greedy(2.5), negative=other)),
        read(real, Request("c", story, 30, greedy(2.5), constraint=number, negative=other)),
    )
    assert plain != guided
    assert bound[:3].isdigit()
    assert " and " in bound
